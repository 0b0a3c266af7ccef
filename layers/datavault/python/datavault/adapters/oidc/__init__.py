"""Access tokens of an OpenID Connect issuer, verified on PyJWT."""
