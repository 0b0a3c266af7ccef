"""Uploads of files of any size, and waiting for the jobs that take them in."""
