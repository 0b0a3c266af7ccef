"""Presidio's recognizers and results, around our detectors and into them.

``presidio_analyzer`` is imported by ``analyzer`` alone, which stands in for what it cannot do
without and is not given: spaCy.
"""
