"""Tests of what travels on the wire, and how."""
