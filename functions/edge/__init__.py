"""Where events become domain values and replies become responses; the only place that does so."""
