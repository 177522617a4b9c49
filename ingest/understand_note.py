"""The note that an understanding child and its parent share in memory: what is worked on, and since when."""

import mmap
import os
import struct
import tempfile
import time
from dataclasses import dataclass

from bus.record import Position

_SIZE = 4096
_FORM = struct.Struct("=iqd")
_BUSY, _AT, _ALIVE, _UNDERSTOOD, _PARKED = 0, 8, 32, 40, 48


@dataclass(frozen=True, slots=True)
class WorkedOn:
    """A record that is in the normalizer's hands, and since when (time.monotonic of this machine)."""

    partition: int
    offset: int
    since: float


class Note:
    """A page of memory behind a file descriptor that a child inherits. The child writes, the parent reads.

    What is written last says that the rest is whole, so that a child which dies while writing blames nobody.
    """

    def __init__(self, descriptor: int) -> None:
        self._page = mmap.mmap(descriptor, _SIZE)

    @staticmethod
    def create() -> int:
        """A descriptor of an empty note, without a name in any folder."""
        if hasattr(os, "memfd_create"):
            descriptor = os.memfd_create("understand-note")
        else:
            with tempfile.TemporaryFile() as file:
                descriptor = os.dup(file.fileno())
        os.truncate(descriptor, _SIZE)
        return descriptor

    def work_on(self, position: Position | None) -> None:
        """The child takes a record in hand; None: it has let go."""
        page = self._page
        page[_BUSY] = 0
        if position is not None:
            _FORM.pack_into(page, _AT, position.partition, position.offset, time.monotonic())
            page[_BUSY] = 1

    def alive(self) -> None:
        """The child's loop turns."""
        struct.pack_into("=d", self._page, _ALIVE, time.monotonic())

    def count(self, *, understood: int = 0, parked: int = 0) -> None:
        """The child has settled so many more."""
        struct.pack_into("=q", self._page, _UNDERSTOOD, self.understood + understood)
        struct.pack_into("=q", self._page, _PARKED, self.parked + parked)

    @property
    def worked_on(self) -> WorkedOn | None:
        """What the child has in hand."""
        return WorkedOn(*_FORM.unpack_from(self._page, _AT)) if self._page[_BUSY] else None

    @property
    def last_alive(self) -> float:
        """When the child's loop turned last; 0.0: not yet."""
        return float(struct.unpack_from("=d", self._page, _ALIVE)[0])

    @property
    def understood(self) -> int:
        """How many messages this child has published."""
        return int(struct.unpack_from("=q", self._page, _UNDERSTOOD)[0])

    @property
    def parked(self) -> int:
        """How many records this child has parked."""
        return int(struct.unpack_from("=q", self._page, _PARKED)[0])

    def close(self) -> None:
        """Give the page back."""
        self._page.close()
