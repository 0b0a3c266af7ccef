"""Versions: commits and branches; one module for each kind of thing."""
