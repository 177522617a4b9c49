"""Access by OAuth 2.0 (RFC 6749) where nobody sits in front of a browser: refresh tokens and client credentials."""
