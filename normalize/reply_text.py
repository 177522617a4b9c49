"""What a message adds: its text without quoted history, quote headers and signature. Linear.

A line is looked at closely only if its first two characters, or its last one, are those of something we know.
"""

import re

from normalize import quote_headers, signatures
from normalize.limits import REPLY_CANDIDATES, REPLY_CHARACTERS
from normalize.outcome import Decision, Decisions

_RULE = re.compile(r"[\s>]{0,20}[-_=*—–·~#+\u1427]{2,200}\s{0,20}|[\s>]{0,20}\u1427\s{0,20}")
_HEADS = quote_headers.HEADS
_POSSIBLE = quote_headers.DIGIT_OR_COLON.search
_MARKS = frozenset("-—–_=*~#+·\u14270123456789([<\u200e\u200f\u202a\u202b\u202c\ufeff") | quote_headers.HEADS_UNSPACED
_COLONS = frozenset(":：")
_AFTER_COLON = frozenset("*_->").union(_COLONS)
_QUOTE_MARKS = (">", "&gt;", "＞")
_CLOSED_LATE = re.compile(r">\s{0,2}\S{0,20}(?:\s\S{1,20}){0,2}\s{0,2}[:：]")
_INITIALS = re.compile(r"(?!PS>)[A-Z][A-Za-z]{0,2}>")
_WRAPPED = 3
_HEADER_LINES = 14
_HEADER_MISSES = 3
_QUOTE_WIDTH = 50
_KEY = 80
_RULE_LENGTH = 220
_HEAD = 60


def reply_text(text: str, decisions: Decisions = None) -> str:
    """The part of `text` that its author wrote now; all of it when nothing would be left.

    Texts beyond `limits.REPLY_CHARACTERS` are searched in that much from their beginning.
    """
    reading = _Reading(text[:REPLY_CHARACTERS], decisions)
    reply = reading.reply()
    if len(text) > REPLY_CHARACTERS and not reading.cut:
        reply += text[REPLY_CHARACTERS:]
    if reply:
        return reply
    if decisions is not None:
        decisions.append(Decision("reply_text", "everything is kept", "nothing would be left"))
    return text.strip() or text


class _Reading:
    """The lines of a text, and what was found out about them."""

    def __init__(self, text: str, decisions: Decisions) -> None:
        self.lines = text.replace("\r\n", "\n").split("\n")
        self.bare = [line.strip() for line in self.lines]
        self.decisions = decisions
        self.marked = any(mark in text for mark in _QUOTE_MARKS)
        self.first = 0
        self.end = len(self.lines)
        self.cut = False
        self.written = 0
        self.quoted: list[bool] = []
        self.dropped: set[int] = set()

    def reply(self) -> str:
        self.find_quotes()
        self.drop_warning()
        self.drop_history()
        self.drop_signature()
        self.drop_outer_quotes()
        kept = self.lines[self.first : self.end]
        if self.dropped:
            kept = [line for n, line in enumerate(kept, self.first) if n not in self.dropped]
        return "\n".join(kept).strip(" \t\n\v\f\r\u200b\u200e\u200f\ufeff\xa0")

    def decide(self, decided: str, line: int) -> None:
        if self.decisions is not None:
            self.decisions.append(Decision("reply_text", decided, f"line {line + 1}: {self.bare[line][:_KEY]}"))

    def find_quotes(self) -> None:
        """Which lines are quoted, those that were wrapped in the middle of a quote included."""
        bare = self.bare
        if not self.marked:
            self.quoted = [False] * len(bare)
            return
        self.quoted = quoted = [line.startswith(_QUOTE_MARKS) for line in bare]
        if True in quoted:
            for i in range(1, len(bare) - 1):
                if quoted[i - 1] and quoted[i + 1] and not quoted[i] and bare[i] and len(bare[i - 1]) > _QUOTE_WIDTH:
                    quoted[i] = True
            for i, mark in enumerate(quoted):
                if mark and i and bare[i][-1] in _COLONS and _closes_address(bare[i - 1], bare[i]):
                    quoted[i] = False
        with_initials = [i for i, line in enumerate(bare) if line[1:4].find(">") >= 0 and _INITIALS.match(line)]
        if len(with_initials) > 1:
            for i in with_initials:
                quoted[i] = True

    def drop_warning(self) -> None:
        """The paragraph on top that a company's server added."""
        first = self.next_written(0)
        if first < self.end and signatures.is_warning(self.bare, first):
            after = first
            while after < self.end and self.bare[after]:
                after += 1
            if self.next_written(after) < self.end:
                self.decide("a server's warning is left out", first)
                self.first = after

    def next_written(self, index: int) -> int:
        while index < self.end and not self.bare[index]:
            index += 1
        return index

    def anything_before(self, index: int) -> bool:
        """Whether the author wrote something above a line. Goes on where it last found nothing: linear in all."""
        at = max(self.written, self.first)
        while at < index and not self.is_written(at):
            at += 1
        self.written = at
        return at < index

    def is_written(self, index: int) -> bool:
        line = self.bare[index]
        return (
            bool(line)
            and not self.quoted[index]
            and index not in self.dropped
            and not (line[0] in _MARKS and _RULE.fullmatch(line[:_RULE_LENGTH]))
        )

    def rules_above(self, index: int) -> int:
        """The first of the empty lines and drawn rules right above `index`."""
        while index > self.first and (not self.bare[index - 1] or _RULE.fullmatch(self.bare[index - 1][:_RULE_LENGTH])):
            index -= 1
        return index

    def worth_a_look(self) -> list[int]:
        """Where a header block, a delimiter or an attribution could be; most lines of most mails are none of it."""
        found = [
            i
            for i, line in enumerate(self.bare)
            if line
            and (line[-1] in _AFTER_COLON or line[0] in _MARKS or (line[:3] in _HEADS and _POSSIBLE(line, 0, _HEAD)))
        ]
        return [i for i in found if not self.quoted[i]][:REPLY_CANDIDATES]

    def drop_history(self) -> None:
        """Find where the history begins; drop attributions of quotes that stay."""
        done = self.first - 1
        for index in self.worth_a_look():
            if index <= done:
                continue
            if self.is_divider(index) or self.is_header(index):
                if self.anything_before(index):
                    self.decide("what follows is history", index)
                    self.cut_at(index)
                else:
                    self.keep_what_was_forwarded(index)
                return
            span = self.attribution(index, done)
            if span is None:
                continue
            begin, done = span
            following = self.next_written(done + 1)
            if following < self.end and self.quoted[following]:
                self.decide("an attribution is left out", begin)
                self.dropped.update(range(begin, following))
            elif self.anything_before(begin):
                self.decide("an attribution begins the history", begin)
                self.cut_at(begin)
                return
            else:
                self.decide("an attribution is left out", begin)
                self.dropped.update(range(begin, done + 1))

    def cut_at(self, index: int) -> None:
        self.end = self.rules_above(index)
        self.cut = True

    def is_divider(self, index: int) -> bool:
        """Whether a line announces that all below is history."""
        line = self.bare[index]
        if quote_headers.announces(line) is not None:
            return True
        above = self.bare[index - 1][:_RULE_LENGTH] if index else ""
        return (
            bool(above) and _RULE.fullmatch(above) is not None and quote_headers.is_previous_title(line)
        )  # fmt: skip

    def is_header(self, index: int) -> bool:
        """Whether a copied header block begins at a line."""
        line = self.bare[index]
        if ":" not in line[:60] and "：" not in line[:60]:
            return False
        kind = quote_headers.field_kind(line)
        if kind is None or kind == "cc":
            return False
        seen = {kind}
        addressed = quote_headers.has_address(line[: quote_headers.LONGEST])
        misses: float = 0
        for following in self.bare[index + 1 : index + _HEADER_LINES]:
            more = quote_headers.field_kind(following) if ":" in following[:60] or "：" in following[:60] else None
            if more is not None:
                seen.add(more)
            elif following:
                misses += 1
            else:
                misses += 0.5
            addressed = addressed or quote_headers.has_address(following[: quote_headers.LONGEST])
            if misses > _HEADER_MISSES:
                break
        if "from" not in seen:
            return False
        if addressed or self.ruled_above(index):
            return len(seen) >= 3 or not seen.isdisjoint(("sent", "date", "subject"))
        return ("sent" in seen and len(seen) >= 3) or (
            "subject" in seen and not seen.isdisjoint(("sent", "date", "to"))
        )

    def ruled_above(self, index: int) -> bool:
        return index > 0 and _RULE.fullmatch(self.bare[index - 1][:_RULE_LENGTH]) is not None

    def keep_what_was_forwarded(self, index: int) -> None:
        """Nothing was written above a forwarded mail: what was forwarded is what there is, without its header."""
        at = index
        if quote_headers.field_kind(self.bare[at]) is None:
            at = self.next_written(at + 1)
        if at < self.end and self.is_header(at):
            last = at
            while at < self.end and at < index + 2 * _HEADER_LINES:
                if not self.bare[at]:
                    following = self.next_written(at)
                    if following >= self.end or quote_headers.field_kind(self.bare[following]) is None:
                        break
                elif quote_headers.field_kind(self.bare[at]) is not None:
                    last = at
                at += 1
            if at >= index + 2 * _HEADER_LINES:
                at = last + 1
        if self.next_written(at) < self.end:
            self.decide("a forwarded mail is kept, without its header", index)
            self.first = at
            self.quoted = [False] * len(self.bare)

    def attribution(self, index: int, done: int) -> tuple[int, int] | None:
        """The first and the last line of the attribution that ends at `index`, or begins there without a colon."""
        bare = self.bare
        last = index
        line = bare[index]
        if line[-1] not in _AFTER_COLON:
            if quote_headers.is_whole_attribution(line):
                return index, index
            if not quote_headers.begins_with_date(line):
                return None
            ends = (
                n
                for n in range(index, min(index + _WRAPPED, self.end))
                if bare[n] and (bare[n][-1] in _AFTER_COLON or quote_headers.last_verb(bare[n]) >= 0)
            )
            last = next(ends, index)
        begin = self.grown(last, done)
        if begin is not None and (begin <= index <= last):
            return begin, last
        following = self.next_written(last + 1)
        if following < self.end and self.quoted[following] and quote_headers.may_be_attribution(line):
            return index, last
        return None

    def grown(self, last: int, done: int) -> int | None:
        """The first line of the attribution that ends at `last`: wrapped lines above are taken in while it needs them."""
        bare = self.bare
        joined = ""
        found = None
        for n in range(last, max(done, self.first - 1, last - _WRAPPED - 1), -1):
            line = bare[n]
            if not line or (self.quoted[n] and n != last):
                break
            if found is not None and not _needs_more(bare[found], line):
                break
            joined = f"{line} {joined}" if joined else line
            if len(joined) > quote_headers.LONGEST:
                break
            if quote_headers.is_attribution(joined):
                found = n
                if quote_headers.begins_with_date(line) and not _torn(bare[n - 1] if n else ""):
                    break
        return found

    def drop_outer_quotes(self) -> None:
        """Quotes at the end and at the beginning go; those between answers stay."""
        bare, quoted, dropped = self.bare, self.quoted, self.dropped
        end = self.end
        if not dropped and True not in quoted:
            return
        while end > self.first and (quoted[end - 1] or end - 1 in dropped or not bare[end - 1]):
            end -= 1
        first = self.first
        if dropped:  # a quote that nothing introduces was chosen by its author
            while first < end and (quoted[first] or first in dropped or not bare[first]):
                first += 1
        if first >= end:
            return
        if self.decisions is not None and any(quoted[end : self.end]):
            self.decide("quotes at the end are left out", quoted.index(True, end))
        if self.decisions is not None and any(quoted[self.first : first]):
            self.decide("quotes at the beginning are left out", quoted.index(True, self.first))
        self.cut = self.cut or end < self.end
        self.first, self.end = first, end

    def drop_signature(self) -> None:
        """The block behind a delimiter, a phone's line, a disclaimer; never everything."""
        bare, heads, tails, short = self.bare, signatures.HEADS, signatures.TAILS, signatures.SHORT_HEADS
        candidates = [
            index
            for index, line in enumerate(bare[self.first : self.end], self.first)
            if line[:4] in heads or line[:2] in short or line[-4:] in tails or line[:1] in signatures.OPENINGS
        ]
        for index in candidates:
            line = bare[index]
            if not line or self.quoted[index]:
                continue
            paragraph = index == self.first or not bare[index - 1] or self.ruled_above(index)
            if signatures.is_delimiter(bare, index, self.end):
                what = "a signature is left out"
            elif (paragraph or self.next_written(index + 1) >= self.end) and signatures.is_device(line):
                what = "a program's line is left out"
            elif paragraph and signatures.is_disclaimer(bare, index):
                what = "a disclaimer is left out"
            else:
                continue
            if self.anything_before(index):
                self.decide(what, index)
                self.cut_at(index)
                break
        last = self.last_written()
        if last > self.first and signatures.is_name(bare[last]) and not bare[last - 1] and self.anything_before(last):
            self.decide("a name behind a dash is left out", last)
            self.end = last

    def last_written(self) -> int:
        last = self.end - 1
        while last > self.first and (not self.bare[last] or _RULE.fullmatch(self.bare[last][:_RULE_LENGTH])):
            last -= 1
        if last < self.end - 1:
            self.end = last + 1
        return last


def _closes_address(above: str, line: str) -> bool:
    """Whether a `>` at the beginning of a line closes an address that the line above opened."""
    return above.rfind("<") > above.rfind(">") and _CLOSED_LATE.fullmatch(line[:_KEY]) is not None


def _needs_more(first: str, above: str) -> bool:
    """Whether an attribution whose first line is `first` may go on above: it begins like the rest of something."""
    if above[-1] in ".!?:" and not quote_headers.begins_with_date(above):
        return False
    return first[0] in "<([\"'," or first[0].islower() or above[-1] in ",<([" or quote_headers.begins_with_date(above)


def _torn(above: str) -> bool:
    """Whether a line ends in the middle of something: an address, or a date that begins an attribution."""
    return above != "" and (above[-1] in "<([" or (above[-1] == "," and quote_headers.begins_with_date(above)))
