"""What stands below what a person wrote: signature_blocks.toml, compiled."""

import re
from collections.abc import Sequence

from normalize.language_tables import UNSPACED, folded, heads, language_table, tails, words_for

_TABLE = language_table("signature_blocks")
_DEVICES = words_for(_TABLE, "devices")
_DEVICE_ENDS = words_for(_TABLE, "device_ends")
_DISCLAIMERS = words_for(_TABLE, "disclaimers")
_LEGAL = words_for(_TABLE, "legal")
_TITLES = frozenset(words_for(_TABLE, "titles"))
_WARNINGS = words_for(_TABLE, "warnings")
_DELIMITER = re.compile(r"[-—–]{2}|-- \S.{0,60}")
_MAYBE_DELIMITER = re.compile(r"[-—–]{3,10}|={2,4}|\+{2,4}")
_UNDERSCORES = re.compile(r"_{2,80}")
_NAME = re.compile(r"-[^\W\d_][\w.]{0,30}(?: [^\W\d_][\w.]{0,30}){0,2}")
_LONG_NUMBER = re.compile(r"\d{6}")
_DEVICE_WORDS = 10
_DEVICE_LENGTH = 140
_SIGNATURE_LINES = 9
_SIGNATURE_CHARACTERS = 600
_FOOTER_CHARACTERS = 2000
_ABOVE = 200
_PROSE_BLANKS = 8
"""Blanks in a line by which it is a sentence, not a name, a post or a number."""
_PARAGRAPH = 1500

_ALL = (*_DEVICES, *_DISCLAIMERS, *_TITLES)
_DRAWN = frozenset({"--", "—", "——", "–", "––", "__", "==", "++"})
_HEADS = heads((words for words in _ALL if not UNSPACED.match(words)), 4)
DRAWN = frozenset("-—–_=+")
"""First characters of drawn lines."""
_FIRSTS = frozenset("*[(<「") | DRAWN | heads((words for words in _ALL if UNSPACED.match(words)), 1)
_TAILS = tails(_DEVICE_ENDS, 4)
_WARNING_HEADS = heads((words.lstrip("*_ #>") for words in _WARNINGS), 4)


def is_worth_a_look(line: str) -> bool:
    """Whether a stripped line begins or ends like anything that is known here."""
    return line[:4] in _HEADS or line[:1] in _FIRSTS or line[-4:] in _TAILS


def is_device(line: str) -> bool:
    """Whether a stripped line is what a phone or a program adds: few words, that begin or end like it."""
    if not line or len(line) >= _DEVICE_LENGTH or line.count(" ") >= _DEVICE_WORDS:
        return False
    lower = folded(line.strip("*_[]()<>「」 ")).replace("’", "'")
    return (
        lower.startswith(_DEVICES) or lower.endswith(_DEVICE_ENDS)
    ) and _LONG_NUMBER.search(lower.partition("http")[0]) is None  # fmt: skip


def is_delimiter(bare: Sequence[str], index: int, end: int) -> bool:
    """Whether a signature begins at a drawn line; one that could be a person's own needs something short below.

    People draw lines between what they have to say: such a line comes again, or sentences stand below it.
    """
    line = bare[index][:80]
    if line[:2] not in _DRAWN:
        return False
    if _DELIMITER.fullmatch(line):
        return True
    below = [each for each in bare[index + 1 : min(end, index + 4 * _SIGNATURE_LINES)] if each]
    if _UNDERSCORES.fullmatch(line):
        return len(below) <= 2 * _SIGNATURE_LINES and sum(map(len, below)) <= _FOOTER_CHARACTERS
    if not _MAYBE_DELIMITER.fullmatch(line):
        return False
    short = 0 < len(below) <= _SIGNATURE_LINES and sum(map(len, below)) <= _SIGNATURE_CHARACTERS
    again = line in below or line in bare[max(0, index - _ABOVE) : index]
    return short and not again and all(each.count(" ") < _PROSE_BLANKS for each in below)


def is_name(line: str) -> bool:
    """Whether a stripped line is a name behind a dash, with which people sign on mailing lists (-Anna)."""
    return line[:1] == "-" and _NAME.fullmatch(line[:100]) is not None


def is_disclaimer(bare: Sequence[str], index: int) -> bool:
    """Whether a paragraph that begins at `index` is a company's disclaimer."""
    lower = folded(bare[index][:_DEVICE_LENGTH]).strip("*_ #>")
    if lower.rstrip(":. *_") in _TITLES or lower.partition(":")[0] in _TITLES:
        return True
    if not lower.startswith(_DISCLAIMERS):
        return False
    paragraph = folded(" ".join(_paragraph(bare, index)))
    return any(word in paragraph for word in _LEGAL)


def is_warning(bare: Sequence[str], index: int) -> bool:
    """Whether a paragraph that begins at `index` is what a company's server puts on top of mails from outside."""
    line = bare[index][:_DEVICE_LENGTH].lstrip("*_ #>")
    return line[:4] in _WARNING_HEADS and folded(line).startswith(_WARNINGS)


def _paragraph(bare: Sequence[str], index: int) -> list[str]:
    found: list[str] = []
    for line in bare[index : index + 30]:
        if not line or sum(map(len, found)) > _PARAGRAPH:
            break
        found.append(line[:_PARAGRAPH])
    return found
