"""The desk of the filing tests."""

from tests.ticketing.filing.conftest import database, desk

__all__ = ["database", "desk"]
