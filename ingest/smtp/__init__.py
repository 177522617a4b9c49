"""The SMTP door: sessions, limits, and the bytes of a mail."""
