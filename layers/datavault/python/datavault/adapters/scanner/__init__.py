"""Rules run over texts, many at once, by RE2."""
