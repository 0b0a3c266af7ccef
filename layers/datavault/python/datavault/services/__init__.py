"""Use cases: one function for each operation, and what several of them share.

Every one takes the ``Vault`` first and domain values after it, reads top to bottom like what it
does, and commits with one conditional transaction that carries its ledger entry.
"""
