"""Tests of the composition root: the embedded stack and its supervision."""
