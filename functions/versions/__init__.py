"""Commits and branches."""
