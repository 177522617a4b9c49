"""What the figures are called and what they count, in five languages (definitions.py reads them)."""
