"""Bugs put in on purpose, each of which a named test must see."""
