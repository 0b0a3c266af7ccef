"""What each kind of value looks like, one file for each family of entities."""
