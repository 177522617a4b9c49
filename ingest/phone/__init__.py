"""Telephone systems: their webhooks, and the recordings that these name. Answers go by mail."""
