"""What is due for removal."""
