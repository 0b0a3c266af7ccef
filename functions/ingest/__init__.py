"""Ingest: the steps of the state machine ``ingest_objects``."""
