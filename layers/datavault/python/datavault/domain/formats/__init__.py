"""Formats of files that come in, each turned into batches of NDJSON lines with their origins."""
