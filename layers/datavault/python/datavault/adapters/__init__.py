"""The ports kept: on AWS, by an OpenID Connect issuer, and in memory for tests.

One contract suite (``tests.contract``) holds all of them to the ports' promises.
"""
