"""Full-text search over tickets and contacts, kept beside the desk by following its outbox (docs/adr)."""
