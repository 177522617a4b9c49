"""Tests of deliveries: what receipts and time make of a reply."""
