"""What may stand in front of a mail: a byte order mark, blank lines, an mbox `From ` line."""

import re

_FRONT = re.compile(rb"(?:\xef\xbb\xbf)?(?:[ \t]*\r?\n)*+(?:>?From [^\r\n]*\r?\n)?")


def skip_front(data: bytes) -> int:
    """Where the first header begins."""
    found = _FRONT.match(data)
    return found.end() if found else 0
