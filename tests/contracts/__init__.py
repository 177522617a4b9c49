"""Suites that every making of a contract has to pass."""
