"""format=flowed (RFC 3676): lines that end in a blank continue on the next one of the same quote depth."""

import re

_STUFFED = re.compile(r"^ ", re.MULTILINE)


def unflow(text: str, *, delete_space: bool) -> str:
    """`text` with its soft line breaks taken out and space-stuffing undone; quote marks stay. Linear."""
    # a blank before a line end is no soft break in the signature's delimiter and in an empty quoted line
    if text.count(" \n") == text.count("\n-- \n") + text.count("> \n") and not text.endswith(" "):
        return _STUFFED.sub("", text) if "\n " in text or text[:1] == " " else text
    out: list[str] = []
    pending: list[str] = []
    pending_depth = 0
    for line in text.split("\n"):
        body = line.lstrip(">")
        depth = len(line) - len(body)
        body = body.removeprefix(" ")
        flowing = body.endswith(" ") and body != "-- "
        if pending and (depth != pending_depth or body == "-- "):
            out.append(_line(pending, pending_depth))
            pending = []
        if flowing:
            pending.append(body[:-1] if delete_space else body)
            pending_depth = depth
        elif pending:
            pending.append(body)
            out.append(_line(pending, depth))
            pending = []
        else:
            out.append(_line([body], depth))
    if pending:
        out.append(_line(pending, pending_depth))
    return "\n".join(out)


def _line(pieces: list[str], depth: int) -> str:
    body = "".join(pieces)
    return f"{'>' * depth} {body}".rstrip(" ") if depth else body
