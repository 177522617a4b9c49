"""The lines that mail programs put in front of what they quote: quote_headers.toml, compiled.

Every test looks at one line, or at a few joined, of at most `LONGEST` characters: linear, whatever the input.
"""

import re
from collections.abc import Mapping
from typing import Final

from normalize.language_tables import UNSPACED, folded, heads, language_table, words_for

LONGEST: Final = 400
"""Characters of an attribution, all its lines together."""
_TABLE = language_table("quote_headers")
_FIELDS = ("from", "sent", "date", "to", "cc", "subject", "other")
_DATE = re.compile(
    r"(?<![\d.])\d{1,2}[:.hH時点시]\s?\d{2}(?!\d|\.\d)|(?<!\d)(?:19|20)\d{2}(?!\d)|(?<![\d.])(?:\d{4}|\d{1,2})[/.-]\s?\d{1,2}[/.-]\s?(?:\d{4}|\d{2})(?!\.?\d)|\d[年년月월]"
)
_SHORT_DATE = re.compile(r"(?<![\d.])\d{1,2}[./]\s?\d{1,2}(?!\d)|\d{1,2}\.? \w{3,}|\w{3,} \d{1,2}\b")
_STARTS_WITH_DATE = re.compile(r"(?:\w{2,14}[.,]{0,2}\s{1,2}){0,2}\(?\d{1,4}\s?[-/.:年년 ,]", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s@<>()\[\]]@[^\s@<>()\[\]]")
_ADDRESS_LAST = re.compile(r"[^\s@<>]@[^\s@<>]{1,250}>{1,2}\)?\s{0,2}[:：]?$")
_NAMED_ADDRESS = re.compile(
    r"[:：]\s{0,3}\**[\"'\w][^<\[@]{0,80}[<\[](?:mailto:)?[^\s@<>\[\]]{1,80}@[^\s@<>\[\]]{1,250}[>\]]"
)
_BARE_ADDRESS_LAST = re.compile(r"(?<!\d)\d{1,2}[:.]\d\d(?!\d).{1,80}[^\s@<>]@[^\s@<>:]{1,250}[:：]$")


def _by_last_letter(words: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    return {word[-1]: tuple(each for each in words if each[-1] == word[-1]) for word in words}


def _by_first_letter(words: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    return {word[0]: tuple(each for each in words if each[0] == word[0]) for word in words}


_WROTE = _by_last_letter(words_for(_TABLE, "wrote"))
_SAID = _by_last_letter(words_for(_TABLE, "said"))
_OWN = frozenset(word for row in _TABLE.values() for word in row.get("own", ()))
_WORDS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_WITH_AT = re.compile(r"\S*@\S*")
_WROTE_THEN = words_for(_TABLE, "wrote_then")
_DIGIT = re.compile(r"\d")
_UNTIL_DATE = 30
_KEY = 40
_BEFORE = " >*_-<\u200e\u200f\u202a\u202b\u202c\u202d\u202e\ufeff"
_AFTER_VERB = " \t\xa0\u202f:：.>*_)]-\u200f\u202c"
_BEGINNINGS = _by_first_letter(words_for(_TABLE, "begins"))
_WHOLE_LINES = re.compile(
    "|".join(
        re.escape(line).replace(r"\{who\}", ".{1,120}").replace(r"\{date\}", r".{0,30}\d.{0,30}")
        for line in words_for(_TABLE, "lines")
    ),
    re.IGNORECASE,
)
_OLD_GMAIL = re.compile(r"\d{4}-\d\d-\d\d \d{1,2}:\d\d (?:GMT|UTC)[+-]\d\d:?\d\d .{1,200}")
_FIELD_KINDS = {words: kind for kind in reversed(_FIELDS) for words in words_for(_TABLE, kind)}
_LONGEST_LABEL = 40
_BESIDE_LABEL = " \t\xa0\u202f>|*_\u200e\u200f\u202a\u202b\u202c\ufeff"
_RULED = re.compile(
    r"[\s>*_]{0,8}[-—–_=*~#+]{1,60}\s{0,4}\**(?:"
    + "|".join(map(re.escape, words_for(_TABLE, "original", "forwarded", "previous")))
    + r")(?!\w).{0,100}",
    re.IGNORECASE,
)
FORWARDED: Final = words_for(_TABLE, "forwarded")
"""What programs write above a mail that is passed on, folded."""
_FORWARDS = frozenset(FORWARDED)
_PREVIOUS = re.compile(
    r"[\s*_#>]{0,8}(?:" + "|".join(map(re.escape, words_for(_TABLE, "previous"))) + r")[\s*_#:：]{0,8}", re.IGNORECASE
)
_REPLY_ABOVE = words_for(_TABLE, "reply_above")
_LONGEST_NOTICE = 160
_SENTENCE = 200
_ENDS_RULED = re.compile(r"[-—–_=*~#+]\s{0,4}$")

_HEADS = heads(
    (
        *(begin + after for begin in words_for(_TABLE, "begins", "forwarded", "previous") for after in " ,."),
        *(field + after for field in words_for(_TABLE, *_FIELDS) for after in ":： "),
    ),
    3,
)
HEADS = frozenset(head for head in _HEADS if not UNSPACED.match(head))
HEADS_UNSPACED = frozenset(head[:1] for head in _HEADS - HEADS)
"""How lines begin that are worth a look if there is a digit or a colon in them: three letters, or one character."""
HEADS_OF_LINES = heads(words_for(_TABLE, "lines"), 3)
"""The same, even without."""
DIGIT_OR_COLON = re.compile(r"[0-9:：]")


def field_kind(line: str) -> str | None:
    """What a copied header field holds: `from`, `sent`, `date`, `to`, `cc`, `subject`, `other`; None if it is none."""
    head = line[:_LONGEST_LABEL]
    label, colon, _ = (head.replace("：", ":") if "：" in head else head).partition(":")
    return _FIELD_KINDS.get(folded(label.strip(_BESIDE_LABEL))) if colon else None


def is_sender(line: str) -> bool:
    """Whether a line is a From field with a name and an address in brackets: enough to be a header on its own."""
    return field_kind(line) == "from" and _NAMED_ADDRESS.search(line, 0, LONGEST) is not None


def announces(line: str) -> str | None:
    """`original`, or `reply_above`, when a line announces that all below it is quoted."""
    line = line[:LONGEST]
    if line[:1].isalnum():
        return "original" if line[-1] in ":：*_" and folded(line.rstrip(" \xa0:：*_")) in _FORWARDS else None
    if _RULED.fullmatch(line) and (line.lstrip(" >*_")[1:2] in "-—–_=*~#+ " or _ENDS_RULED.search(line)):
        return "original"
    if line[-1] in ":：*_" and folded(line.strip(" \xa0:：*_>")) in _FORWARDS:
        return "original"
    if line[:1].isalnum() or len(line) > _LONGEST_NOTICE:
        return None
    lower = folded(line)
    return "reply_above" if any(words in lower for words in _REPLY_ABOVE) else None


def is_previous_title(line: str) -> bool:
    """Whether a line is the title of a repeated discussion ("Previous replies")."""
    return len(line) < 60 and _PREVIOUS.fullmatch(line) is not None


def has_address(line: str) -> bool:
    """Whether there is a mail address in a line."""
    return "@" in line and _ADDRESS.search(line) is not None


def begins_with_date(line: str) -> bool:
    """Whether a line begins like an attribution: with its first word, and the date soon after, or with the date."""
    line = line[:80].lstrip(_BEFORE)
    begin = _beginning(line)
    if begin and _DIGIT.search(line, begin, begin + _UNTIL_DATE) is not None:
        return True
    return _STARTS_WITH_DATE.match(line) is not None


def _beginning(line: str) -> int:
    """Where the first word of an attribution ends with which a line begins; 0 when with none."""
    lower = folded(line[:_KEY])
    for begin in _BEGINNINGS.get(lower[:1], ()):
        if lower.startswith(begin) and _apart(lower, 0, len(begin)):
            return len(begin)
    return 0


def last_verb(line: str, verbs: Mapping[str, tuple[str, ...]] = _WROTE) -> int:
    """Where the verb stands with which a line ends, with or without a colon ("wrote:"); -1 when with none."""
    lower = folded(line.rstrip(_AFTER_VERB))
    for verb in verbs.get(lower[-1:], ()):
        if lower.endswith(verb):
            start = len(lower) - len(verb)
            return start if _apart(lower, start, len(lower)) else -1
    return -1


def _inner_verb(line: str) -> int:
    """Where a verb ends that a name or a date follows; -1 when there is none."""
    lower = folded(line)
    for verb in _WROTE_THEN:
        start = lower.find(verb)
        if start >= 0 and _apart(lower, start, start + len(verb)):
            return start + len(verb)
    return -1


def _apart(line: str, start: int, end: int) -> bool:
    """Whether a word is no part of a longer one, in scripts that put blanks between words."""
    if UNSPACED.match(line, start):
        return True
    return (start == 0 or not line[start - 1].isalnum()) and (end >= len(line) or not line[end].isalnum())


def is_whole_attribution(line: str) -> bool:
    """Whether a line is an attribution of an odd shape ("Posted by Anna on 11/02/2026")."""
    line = line.strip(" >*_")
    return len(line) < LONGEST and (_WHOLE_LINES.fullmatch(line) or _OLD_GMAIL.fullmatch(line)) is not None


def is_attribution(line: str) -> bool:
    """Whether a line (its wrapped parts joined) says who wrote, or when, what is quoted below."""
    line = line.strip(" \t*_\u200e\u200f\u202a\u202b\u202c\ufeff")
    address = has_address(line)
    last = last_verb(line)
    if last < 0 and address and _beginning(line.lstrip(_BEFORE)):
        last = last_verb(line, _SAID)
    then = _inner_verb(line) if last < 0 else -1
    if last < 0 and then < 0 and not address:
        return False
    if not (last >= 0 and line[:last].rstrip().endswith((">", ")", "]"))) and _speaks_of_oneself(line[:_SENTENCE]):
        return False
    dated = _DATE.search(line) is not None
    begins = begins_with_date(line)
    if last < 0 and then < 0:
        return dated and begins and (_ADDRESS_LAST.search(line) or _BARE_ADDRESS_LAST.search(line)) is not None
    if dated or address:
        beside = _verb_beside_date(line, last) if last >= 0 else _DATE.search(line, then) is not None
        return begins or address or beside
    return last >= 0 and (" via " in line or (begins and _SHORT_DATE.search(line) is not None))


def _speaks_of_oneself(line: str) -> bool:
    """Whether such words stand there, in small letters: "My Shop" is a name."""
    return not _OWN.isdisjoint(_WORDS.findall(_WITH_AT.sub(" ", line)))


def _verb_beside_date(line: str, verb: int) -> bool:
    """A short line with a date and the verb at its end is an attribution though it begins with a name."""
    return verb < 120 and _DATE.search(line, 0, verb) is not None and not re.search(r"[.!?] \w", line[:verb])


def may_be_attribution(line: str) -> bool:
    """Weaker: enough where a quote follows ("Anna wrote:")."""
    line = line.strip(" \t*_")
    return len(line) < 200 and (last_verb(line) >= 0 or last_verb(line, _SAID) >= 0 or _inner_verb(line) >= 0)
