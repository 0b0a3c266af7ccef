"""What the emulator gets wrong and the vault depends on, replaced in its process.

Each module replaces one thing and has a canary in ``tests/local`` that fails when an
upgrade moves what it patches. They must be installed before the first request.
"""
