"""Writes the modules of methods from the operations table; runs where the project is built."""
