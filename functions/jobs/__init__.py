"""Jobs: what is asked about them, and the sweep that finds the stuck ones."""
