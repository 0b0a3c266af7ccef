"""Generated: what calls need to know, by capability."""
