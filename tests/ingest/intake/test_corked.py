"""An answer is one packet, and what was written before the end still leaves."""

import asyncio

from ingest.intake.corked import Corked


class _Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.packets: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.packets.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


async def test_what_is_written_at_once_leaves_as_one() -> None:
    transport = _Transport()
    corked = Corked(transport, asyncio.get_running_loop())
    corked.write(b"head")
    corked.write(b"body")
    assert not transport.packets
    await asyncio.sleep(0)
    assert transport.packets == [b"headbody"]
    corked.write(b"next")
    await asyncio.sleep(0)
    assert transport.packets == [b"headbody", b"next"]


async def test_closing_comes_after_what_was_written() -> None:
    transport = _Transport()
    corked = Corked(transport, asyncio.get_running_loop())
    corked.write(b"last words")
    corked.close()
    await asyncio.sleep(0)
    assert transport.packets == [b"last words"]
    assert transport.closed


async def test_what_is_written_to_a_connection_that_has_gone_is_dropped() -> None:
    transport = _Transport()
    corked = Corked(transport, asyncio.get_running_loop())
    corked.write(b"to nobody")
    transport.closed = True
    await asyncio.sleep(0)
    assert not transport.packets
