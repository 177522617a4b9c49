"""Tests of signed reply addresses and Message-IDs."""
