"""The desk that filing's tests use."""

from tests.ticketing.filing.conftest import database, desk

__all__ = ["database", "desk"]
