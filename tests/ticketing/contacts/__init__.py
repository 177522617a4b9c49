"""Identities, contacts, accounts, forwards."""
