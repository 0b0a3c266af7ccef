"""What is personal in a text, and what may stand in its place."""
