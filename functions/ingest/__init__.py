<<<<<<< HEAD
"""Ingest: the steps of the state machine ``ingest_objects``."""
=======
"""How large files come in: uploads in parts, and objects that others put into the landing."""
>>>>>>> landing
