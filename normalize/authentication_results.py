"""The Authentication-Results field (RFC 8601 §2.2): whose it is, and what was found by each method."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_LONGEST = 16 * 1024
_PIECE = re.compile(r"\"((?:[^\"\\]|\\.)*)(?:\"|\Z)|([;=])|([^\s;=\"()\\]+)|\\?.", re.DOTALL)
_IN_COMMENT = re.compile(r"\\.|([()])", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Found(NamedTuple):
    """What one method found: `properties` such as `header.from` or `smtp.mailfrom`, names in lower case."""

    method: str
    result: str
    properties: Mapping[str, str]


class Results(NamedTuple):
    """A whole field. `server`: the authserv-id, in lower case."""

    server: str
    found: Sequence[Found]


def parse_results(field: str) -> Results:
    """A field's value; comments, however nested, are left out. Never fails; linear."""
    sections = _sections(field[:_LONGEST])
    head = sections[0]
    if len(head) > 1 and head[1] != "1":  # a version that we do not know
        return Results("", ())
    return Results(head[0].lower() if head else "", [found for each in sections[1:] if (found := _found(each))])


def _sections(field: str) -> list[list[str]]:
    """The words between semicolons; `a = b` is one word, quotes are taken off."""
    sections: list[list[str]] = [[]]
    glue = False
    for quoted, sign, word in _PIECE.findall(_without_comments(field)):
        words = sections[-1]
        if sign == ";":
            sections.append([])
            glue = False
        elif sign == "=" and words:
            words[-1] += "="
            glue = True
        elif word and not glue and not (words and word[0] in "./"):
            words.append(word)
        elif (word or quoted) and words:
            words[-1] += word or _ESCAPED.sub(r"\1", quoted)
            glue = False
        elif quoted and len(sections) == 1:  # the server's name; elsewhere a quoted word says nothing
            words.append(quoted)
        if word:
            glue = word[-1] in "./"
    return sections


def _without_comments(field: str) -> str:
    """A quote in a comment is no quote, a parenthesis between quotes no comment."""
    if "(" not in field:
        return field
    kept: list[str] = []
    depth = at = 0
    while at < len(field):
        if not depth:
            piece = _PIECE.match(field, at)
            assert piece is not None  # one of its alternatives is any character
            if piece[0] == "(":
                depth = 1
                kept.append(" ")
            else:
                kept.append(piece[0])
            at = piece.end()
            continue
        mark = _IN_COMMENT.search(field, at)
        if mark is None:
            break
        depth += {"(": 1, ")": -1}.get(mark[0], 0)
        at = mark.end()
    return "".join(kept)


def _found(words: Sequence[str]) -> Found | None:
    if not words or "=" not in words[0]:
        return None
    method, _, result = words[0].partition("=")
    properties: dict[str, str] = {}
    for word in words[1:]:
        name, equals, value = word.partition("=")
        if equals:
            properties.setdefault(name.lower(), value)
    return Found(method.partition("/")[0].lower(), result.lower(), properties)
