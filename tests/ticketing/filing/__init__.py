"""Matching and filing: the pure part by its properties, the whole on a real PostgreSQL."""
