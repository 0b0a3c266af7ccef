"""Wire shapes of versions; one module for each kind of thing."""
