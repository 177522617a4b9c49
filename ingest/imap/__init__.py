"""Reading a mailbox by IMAP (RFC 9051, RFC 3501)."""
