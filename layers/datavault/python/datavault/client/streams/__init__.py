"""Streams of lines into a branch, in batches, resumable."""
