"""Mails made to measure: seeded, of known conversations, so that what became of them can be judged."""
