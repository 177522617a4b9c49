"""What a message adds: its text without quoted history, quote headers and signature. Linear."""

import re

from normalize import quote_headers
from normalize.limits import REPLY_CHARACTERS

_SIGNATURE = re.compile(r"[-—–]{2}\s*|_{5,}\s*|-- \S.{0,60}")
_RULE = re.compile(r"[\s>]*[-_=*—–·]{2,}\s*")
_TIME_OR_YEAR = re.compile(r"\d{1,2}[:.hH時]\s?\d{2}|(?:19|20)\d{2}|\d{1,2}/\d{1,2}/\d{2}")
_LONGEST_ATTRIBUTION = 400
_MENTION = re.compile(r"[^\s@]@[^\s@]")
_HINTS = re.compile(r"[>:：|]|--|__|——|–|==|^[ \t*]*\d{4}[-/]\d", re.MULTILINE)
_ENDINGS = (":", "：", ":*", ":_")
_SPOKEN_ENDINGS = ("wrote", "écrit", "escreveu", "schrieb")


def reply_text(text: str) -> str:
    """The part of `text` that its author wrote now; all of it when nothing would be left.

    Texts beyond `limits.REPLY_CHARACTERS` are searched in that much from their beginning.
    """
    head, rest = text[:REPLY_CHARACTERS], text[REPLY_CHARACTERS:]
    if _HINTS.search(head) is None and not _device_in(head):
        return text.strip() or text
    lines = head.replace("\r\n", "\n").split("\n")
    kept, cut = _without_history(lines)
    kept, signed = _without_signature(kept)
    reply = "\n".join(kept).strip()
    if rest and not cut and not signed:
        reply += rest
    return reply or text.strip() or text


def _device_in(text: str) -> bool:
    """Whether one of the last lines is what a phone adds."""
    return any(quote_headers.DEVICE.match(line) for line in text[-600:].split("\n"))


def _without_history(lines: list[str]) -> tuple[list[str], bool]:
    """The lines before the history, with answers that stand between quotes; whether anything was cut."""
    quoted = _quoted(lines)
    drop = [False] * len(lines)
    end = len(lines)
    index = 0
    while index < end:
        line = lines[index]
        if not line or line.isspace():
            index += 1
            continue
        if _header_begins(lines, index):
            end = _rules_above(lines, index)
            break
        attribution = None if quoted[index] else _attribution_ends(lines, quoted, index)
        if attribution is not None:
            following = _next_written(lines, attribution + 1)
            if following < len(lines) and quoted[following]:
                drop[index:following] = [True] * (following - index)
            elif _anything(lines, drop, quoted, index):
                end = _rules_above(lines, index)
                break
            else:
                drop[index : attribution + 1] = [True] * (attribution + 1 - index)
            index = attribution
        index += 1
    kept = _without_quotes(lines[:end], quoted[:end], drop)
    return kept, end < len(lines) or len(kept) < len(lines)


def _quoted(lines: list[str]) -> list[bool]:
    """Which lines are quoted, those that were wrapped in the middle of a quote included."""
    quoted = [line.lstrip(" \t").startswith((">", "&gt;")) for line in lines]
    for i in range(1, len(lines) - 1):
        if not quoted[i] and quoted[i - 1] and quoted[i + 1] and lines[i].strip() and len(lines[i - 1]) > 50:
            quoted[i] = True
    return quoted


def _without_quotes(lines: list[str], quoted: list[bool], drop: list[bool]) -> list[str]:
    """Quotes at the end and at the beginning go; those between answers stay."""
    last = len(lines)
    signature = next((i for i, line in enumerate(lines) if line.rstrip() == "--" and not quoted[i]), last)
    if any(line.strip() and not quoted[i] and not drop[i] for i, line in enumerate(lines[:signature])):
        last = signature
    while last and (quoted[last - 1] or drop[last - 1] or not lines[last - 1].strip()):
        last -= 1
    first = 0
    while first < last and (quoted[first] or drop[first] or not lines[first].strip()):
        first += 1
    return [line for line, gone in zip(lines[first:last], drop[first:last], strict=True) if not gone]


def _anything(lines: list[str], drop: list[bool], quoted: list[bool], before: int) -> bool:
    return any(lines[i].strip() and not drop[i] and not quoted[i] for i in range(before))


def _next_written(lines: list[str], index: int) -> int:
    while index < len(lines) and not lines[index].strip():
        index += 1
    return index


def _rules_above(lines: list[str], index: int) -> int:
    """The first of the empty lines and drawn rules right above `index`."""
    while index and (not lines[index - 1].strip() or _RULE.fullmatch(lines[index - 1][:200])):
        index -= 1
    return index


def _header_begins(lines: list[str], index: int) -> bool:
    """Whether a copied header block, or the line that announces one, begins at `index`."""
    line = lines[index][:_LONGEST_ATTRIBUTION]
    if quote_headers.DELIMITER.match(line):
        return True
    if ":" not in line and "：" not in line:
        return False
    field = quote_headers.FIELD.match(line)
    if field is None or field.lastgroup in {"cc", "reply_to"}:
        return False
    seen = {field.lastgroup}
    misses = 0
    for following in lines[index + 1 : index + 12]:
        if (more := quote_headers.FIELD.match(following[:_LONGEST_ATTRIBUTION])) is not None:
            seen.add(more.lastgroup)
        else:
            misses += 1
        if misses > 3:
            break
    return "from" in seen and (len(seen) >= 3 or "date" in seen or "subject" in seen)


def _attribution_ends(lines: list[str], quoted: list[bool], index: int) -> int | None:
    """The last line of the attribution ("On …, Jane wrote:") that begins at `index`, if one does."""
    if quote_headers.DATED.fullmatch(lines[index][:_LONGEST_ATTRIBUTION].strip()):
        return index
    last = next(
        (i for i in range(index, min(index + 4, len(lines))) if _ends_attribution(lines[i].rstrip(), i > index)), None
    )
    if last is None:
        return None
    piece = [line.strip().strip("*_") for line in lines[index : last + 1]]
    if not all(piece) or sum(map(len, piece)) > _LONGEST_ATTRIBUTION or any(quoted[index : last + 1]):
        return None
    if not _is_attribution(" ".join(piece), last - index):
        return None
    if last > index and not quote_headers.BEGINNING_SURE.match(piece[0]):
        # the line before an attribution is not part of it, though the words together look like one
        for n in range(1, len(piece)):
            if _begins(piece[n]) and _is_attribution(" ".join(piece[n:]), last - index - n):
                return None
    return last


def _begins(line: str) -> bool:
    """Whether a line begins like an attribution: its first word, and the date soon after."""
    found = quote_headers.BEGINNING.match(line)
    return found is not None and any(c.isdigit() for c in line[found.end() - 1 : found.end() + 30])


def _ends_attribution(line: str, wrapped: bool) -> bool:
    return line.endswith(_ENDINGS) or (wrapped and line.endswith(_SPOKEN_ENDINGS))


def _is_attribution(line: str, wrapped: int) -> bool:
    verb = quote_headers.VERB.search(line) is not None
    if not any(c.isdigit() for c in line):
        return verb and "<" in line and _MENTION.search(line) is not None
    begins = _begins(line)
    if begins and verb:
        return True
    if _MENTION.search(line) and (verb or _TIME_OR_YEAR.search(line)):
        return wrapped <= 2 and ("<" in line or begins or verb or " from " in line)
    return False


def _without_signature(lines: list[str]) -> tuple[list[str], bool]:
    """Without the block behind a delimiter or a phone's line; never without everything."""
    for index, line in enumerate(lines):
        stripped = line.rstrip()
        if (stripped[:2] in {"--", "——", "–", "__", "—"} and _SIGNATURE.fullmatch(stripped)) or (
            len(stripped) < 140 and _is_device(stripped) and _stands_alone(lines, index)
        ):
            if any(before.strip() for before in lines[:index]):
                return lines[:index], True
    return lines, False


def _is_device(line: str) -> bool:
    return quote_headers.DEVICE.match(line) is not None and len(line.split()) <= 10


def _stands_alone(lines: list[str], index: int) -> bool:
    """A phone's line is a paragraph of its own, or the last one."""
    return index == 0 or not lines[index - 1].strip() or not any(line.strip() for line in lines[index + 1 :])
