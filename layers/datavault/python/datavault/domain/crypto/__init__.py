"""Keys and sealed things: the one place for keys, nonces and modes."""
