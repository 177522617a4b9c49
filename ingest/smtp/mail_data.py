"""The bytes between `354` and CRLF.CRLF, taken in as they come (RFC 5321 §4.1.1.4, §4.5.2)."""

_END = b"\r\n.\r\n"
_LINE_START = b"\r\n."


class MailData:
    """Collects one mail. Only CRLF.CRLF ends it; bare CR and LF are content, kept as they are.

    `limit`: octets of the mail without the dots of transparency; what exceeds it is counted and thrown away.
    """

    __slots__ = ("_buffer", "_limit", "too_much")

    def __init__(self, limit: int) -> None:
        # the line end before the first line, so that a dot there is like a dot on any other line
        self._buffer = bytearray(b"\r\n")
        self._limit = limit
        self.too_much = False

    def __len__(self) -> int:
        """How many octets are held in memory."""
        return len(self._buffer)

    def feed(self, chunk: bytes) -> bytes | None:
        """Take in a chunk. None: the mail goes on. Else it is whole, and these bytes belong to what follows it."""
        buffer = self._buffer
        searched = max(len(buffer) - len(_END) + 1, 0)
        buffer += chunk
        end = buffer.find(_END, searched)
        if end >= 0:
            rest = bytes(buffer[end + len(_END) :])
            del buffer[end + 2 :]
        else:
            rest = None
        if self.too_much or self._exceeds():
            self.drop()
        return rest

    def drop(self) -> None:
        """Keep nothing of this mail but what is needed to find its end."""
        self.too_much = True
        del self._buffer[: max(len(self._buffer) - len(_END) + 1, 0)]

    def content(self) -> bytes:
        """The mail, each line without its dot of transparency."""
        data = bytes(memoryview(self._buffer)[2:])
        if data.startswith(b"."):
            data = data[1:]
        return data.replace(_LINE_START, b"\r\n") if _LINE_START in data else data

    def _exceeds(self) -> bool:
        size = len(self._buffer) - 2
        return size > self._limit and size - self._buffer.count(_LINE_START) > self._limit
