"""What the routes work with: put together once, handed to each."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bus.blobs import BlobStore
from ticketing.acts.desk import Desk
from ticketing.api.access import Access
from ticketing.api.once import Once


@dataclass(frozen=True, slots=True)
class Inside:
    """`acting`: the engine for changes; `reading`: for looks, planned with the tables' statistics."""

    acting: AsyncEngine
    reading: AsyncEngine
    blobs: BlobStore
    desk: Desk
    once: Once
    access: Access = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "access", Access(self.reading))

    @asynccontextmanager
    async def look(self) -> AsyncIterator[AsyncConnection]:
        """A connection for one look: every statement by itself, none of them changes anything."""
        async with self.reading.connect() as connection:
            yield connection
