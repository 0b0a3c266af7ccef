"""Records: changing them, reading them, and their history."""
