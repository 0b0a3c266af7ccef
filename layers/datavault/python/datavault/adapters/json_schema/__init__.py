"""Checking records by JSON schemas, by jsonschema-rs, which is imported nowhere else."""
