"""How the worker reaches its database."""

from psycopg.types.array import ListBinaryDumper
from sqlalchemy.ext.asyncio import AsyncEngine

from bus.database import working_engine


def engine(url: str) -> AsyncEngine:
    """The engine every part of the figures uses; arrays travel in binary form, whose text needs no escaping."""
    return working_engine(url, "deskstream-metrics", dumpers={list: ListBinaryDumper})
