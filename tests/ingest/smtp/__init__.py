"""The SMTP door, with real clients."""
