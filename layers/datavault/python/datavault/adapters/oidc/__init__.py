"""The port ``Tokens`` kept with any OpenID Connect issuer."""
