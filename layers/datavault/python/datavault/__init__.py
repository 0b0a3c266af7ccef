"""The LLM Data Vault: sealed, deduplicated, versioned storage for language-model data.

Read it from the inside out. ``domain`` holds the pure rules (ids, records, packs, tree, ledger
entries, who may do what); ``ports`` says in the vault's words what those rules need from the
world; ``services`` has one function per use case, built from both. ``contracts`` are the wire
shapes and THE table of operations. ``adapters.aws`` keeps the ports' promises on AWS, and
``adapters.memory`` keeps them in a test. ``wiring`` alone reads the environment and builds
clients. ``local`` runs the whole on one laptop, and ``cli`` is the command.
"""
