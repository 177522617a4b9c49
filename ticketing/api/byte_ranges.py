"""`Range`: which bytes are asked for (RFC 9110 §14.2). One range; several are answered with all. Pure."""

import re
from typing import Final, NamedTuple

from ticketing.api.problems import Refused

_RANGE: Final = re.compile(r"bytes=\s*([0-9]{1,18})?-([0-9]{1,18})?\s*")


class Span(NamedTuple):
    """From `start` to before `end`."""

    start: int
    end: int

    def content_range(self, size: int) -> str:
        """The header that says which part it is."""
        return f"bytes {self.start}-{self.end - 1}/{size}"


def asked_span(header: str | None, size: int) -> Span | None:
    """The part of `size` bytes that is asked for; None: all. Raises Refused when it lies behind the end."""
    found = _RANGE.fullmatch(header) if header else None
    if found is None or (found[1] is None and found[2] is None):
        return None
    if found[1] is None:  # the last so many
        last = min(int(found[2]), size)
        if not last:
            raise _behind(size)
        return Span(size - last, size)
    start = int(found[1])
    if found[2] is not None and int(found[2]) < start:
        return None
    if start >= size:
        raise _behind(size)
    return Span(start, size if found[2] is None else min(int(found[2]) + 1, size))


def _behind(size: int) -> Refused:
    return Refused("range", f"there are {size} bytes", headers={"Content-Range": f"bytes */{size}"})
