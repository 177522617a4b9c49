"""The lines of a text, and what is known of them: which are quoted, drawn, left out."""

import re

from normalize.outcome import Decision, Decisions

MARKS = frozenset("-—–_=*~#+·\u14270123456789([<\u200e\u200f\u202a\u202b\u202c\ufeff")
"""First characters of lines that are worth a look, whatever follows."""
COLONS = frozenset(":：")
_RULE = re.compile(r"[\s>]{0,20}[-_=*—–·~#+\u1427]{2,200}\s{0,20}|[\s>]{0,20}\u1427\s{0,20}")
_RULE_LENGTH = 220
_QUOTE_MARKS = (">", "&gt;", "＞")
_CLOSED_LATE = re.compile(r">\s{0,2}\S{0,20}(?:\s\S{1,20}){0,2}\s{0,2}[:：]")
_INITIALS = re.compile(r"(?!PS>)[A-Z][A-Za-z]{0,2}>")
_QUOTE_WIDTH = 50
_KEY = 80


def is_rule(line: str) -> bool:
    """Whether a stripped line is drawn: dashes, underscores and the like."""
    return _RULE.fullmatch(line[:_RULE_LENGTH]) is not None


class Lines:
    """A text by lines. What its author wrote now lies in `first` … `end`, without the lines in `dropped`.

    Lines of `code` are taken as they are.
    """

    def __init__(self, text: str, decisions: Decisions) -> None:
        self.whole = (text.replace("\r\n", "\n") if "\r" in text else text).split("\n")
        self.bare = list(map(str.strip, self.whole))
        self.first = 0
        self.end = len(self.bare)
        self.cut = False
        self.forwarded = False
        self.dropped: set[int] = set()
        self.quoted = (
            _quoted(self.bare) if (">" in text or "&gt;" in text or "＞" in text) else [False] * len(self.bare)
        )
        self.code = _fenced(self.bare) if "```" in text else frozenset()
        for i in self.code:
            self.quoted[i] = False
        self._decisions = decisions
        self._written = 0

    def kept(self) -> str:
        """What is left."""
        kept = self.whole[self.first : self.end]
        if self.dropped:
            kept = [line for n, line in enumerate(kept, self.first) if n not in self.dropped]
        return "\n".join(kept).strip(" \t\n\v\f\r\u200b\u200e\u200f\ufeff\xa0")

    def decide(self, decided: str, line: int) -> None:
        """Explain, if anybody asks, what is done because of a line."""
        if self._decisions is not None:
            self._decisions.append(Decision("reply_text", decided, f"line {line + 1}: {self.bare[line][:_KEY]}"))

    def next_written(self, index: int) -> int:
        """The first line from `index` on that is not empty; `end` when there is none."""
        while index < self.end and not self.bare[index]:
            index += 1
        return index

    def anything_before(self, index: int) -> bool:
        """Whether the author wrote something above a line. Goes on where it last found nothing: linear in all."""
        at = max(self._written, self.first)
        while at < index and not self.is_written(at):
            at += 1
        self._written = at
        return at < index

    def is_written(self, index: int) -> bool:
        """Whether the author wrote a line: it is no quote, no rule, and not left out."""
        line = self.bare[index]
        return (
            bool(line)
            and not self.quoted[index]
            and index not in self.dropped
            and not (line[0] in MARKS and is_rule(line))
        )

    def rules_above(self, index: int) -> int:
        """The first of the empty lines and drawn rules right above `index`."""
        while index > self.first and (not self.bare[index - 1] or is_rule(self.bare[index - 1])):
            index -= 1
        return index

    def ruled_above(self, index: int) -> bool:
        """Whether the line above is drawn."""
        return index > 0 and is_rule(self.bare[index - 1])

    def cut_at(self, index: int) -> None:
        """What stands from `index` on was not written now, nor the rules above it."""
        self.end = self.rules_above(index)
        self.cut = True


def _fenced(bare: list[str]) -> frozenset[int]:
    """The lines between fences of Markdown: code, in which nothing means what it looks like."""
    fences = [i for i, line in enumerate(bare) if line.startswith("```")]
    return frozenset(i for begin, end in zip(fences[::2], fences[1::2], strict=False) for i in range(begin, end + 1))


def _quoted(bare: list[str]) -> list[bool]:
    """Which lines are quoted, those that were wrapped in the middle of a quote included."""
    quoted = [line[:1] == ">" or line.startswith(_QUOTE_MARKS) for line in bare]
    marks = bytes(quoted)
    at = marks.find(b"\1\0\1")
    while at >= 0:
        if bare[at + 1] and len(bare[at]) > _QUOTE_WIDTH:
            quoted[at + 1] = True
        at = marks.find(b"\1\0\1", at + 2)
    for i, line in enumerate(bare):
        if quoted[i] and line[-1:] in COLONS and i and _closes_address(bare[i - 1], line):
            quoted[i] = False
    with_initials = [i for i, line in enumerate(bare) if not quoted[i] and ">" in line[1:4] and _INITIALS.match(line)]
    if len(with_initials) > 1:
        for i in with_initials:
            quoted[i] = True
    return quoted


def _closes_address(above: str, line: str) -> bool:
    """Whether a `>` at the beginning of a line closes an address that the line above opened."""
    return above.rfind("<") > above.rfind(">") and _CLOSED_LATE.fullmatch(line[:_KEY]) is not None
