"""Ingest: records in bulk become one commit, from a stream or by a state machine."""
