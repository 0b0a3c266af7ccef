"""Commits, branches and tags."""
