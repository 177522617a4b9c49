"""Tests of confirmations."""
