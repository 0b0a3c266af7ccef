"""Strict twins of the AWS adapters, for tests and the simulator; never in the layer."""
