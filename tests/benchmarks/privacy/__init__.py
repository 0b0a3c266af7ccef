"""How well and how fast personal data is found, with stock Presidio in the same run."""
