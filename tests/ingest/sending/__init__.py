"""Tests of the sending part of connectors."""
