"""What has to be put right before a mail begins: a byte order mark, blank lines, an mbox `From ` line, line ends."""

import re

_FRONT = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:[ \t]*\r?\n)*+(?:>?From (?![ \t]*:)[^\r\n]*\r?\n)?(?:[ \t]++(?=[A-Za-z-]{1,76}:))?"
)


def with_line_feeds(data: bytes) -> bytes:
    """`data` itself, or with line feeds in place of the bare carriage returns of old Macs."""
    return (
        data.replace(b"\r", b"\n") if b"\n" not in data[:4096] and b"\r" in data[:4096] and b"\n" not in data else data
    )


def skip_front(data: bytes) -> int:
    """Where the first header begins."""
    found = _FRONT.match(data)
    return found.end() if found else 0
