"""Discourse: webhooks, the poll that finds what they missed, and posts in answer."""
