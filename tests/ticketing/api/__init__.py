"""The agents' API."""
