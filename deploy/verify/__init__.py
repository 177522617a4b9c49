"""The invariants of a running desk, checked from the outside: on the topics, in the database, in the blob store."""
