"""The API's version, as ``pyproject.toml`` has it (a test compares)."""

VERSION = "0.1.0"
