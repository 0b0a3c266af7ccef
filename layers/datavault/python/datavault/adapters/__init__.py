"""The ports kept: ``aws`` on AWS, ``memory`` in a test; one contract suite holds both to it."""
