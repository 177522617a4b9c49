"""What a message adds: its text without quoted history, quote headers and signature. Linear."""

import re

from normalize import quote_headers
from normalize.limits import REPLY_CHARACTERS

_SIGNATURE = re.compile(r"[-—–]{2}\s*|_{5,}\s*|-- \S.{0,60}")
_RULE = re.compile(r"[\s>]*[-_=*—–·]{2,}\s*")
_TIME_OR_YEAR = re.compile(r"\d{1,2}[:.hH時]\s?\d{2}|(?:19|20)\d{2}|\d{1,2}/\d{1,2}/\d{2}")
_LONGEST_ATTRIBUTION = 400
_MENTION = re.compile(r"[^\s@]@[^\s@]")


def reply_text(text: str) -> str:
    """The part of `text` that its author wrote now; all of it when nothing would be left.

    Texts beyond `limits.REPLY_CHARACTERS` are searched in that much from their beginning.
    """
    head, rest = text[:REPLY_CHARACTERS], text[REPLY_CHARACTERS:]
    if not _may_hold_history(head):
        return text.strip() or text
    lines = head.replace("\r\n", "\n").split("\n")
    kept, cut = _without_history(lines)
    kept, signed = _without_signature(kept)
    reply = "\n".join(kept).strip()
    if rest and not cut and not signed:
        reply += rest
    return reply or _without_marks(lines) or text


def _may_hold_history(text: str) -> bool:
    return any(mark in text for mark in (">", ":", "：", "--", "__", "——", "–")) or _device_in(text)


def _device_in(text: str) -> bool:
    """Whether one of the last lines is what a phone adds."""
    return any(quote_headers.DEVICE.match(line) for line in text[-600:].split("\n"))


def _without_marks(lines: list[str]) -> str:
    """What is left when a mail is nothing but a quote: its words, without the quote marks."""
    return "\n".join(line.lstrip("> ") if line.lstrip().startswith(">") else line for line in lines).strip()


def _without_history(lines: list[str]) -> tuple[list[str], bool]:
    """The lines before the history, with answers that stand between quotes; whether anything was cut."""
    quoted = [line.lstrip(" \t").startswith((">", "&gt;")) for line in lines]
    drop = [False] * len(lines)
    end = len(lines)
    index = 0
    while index < end:
        line = lines[index]
        if not line or line.isspace():
            index += 1
            continue
        first = _header_begins(lines, index)
        if first is not None:
            end = _rules_above(lines, first)
            break
        attribution = _attribution_ends(lines, index)
        if attribution is not None:
            following = _next_written(lines, attribution + 1)
            if quoted[index]:
                pass  # an attribution within a quote belongs to the quote
            elif following < len(lines) and quoted[following]:
                drop[index:following] = [True] * (following - index)
                index = following
                continue
            elif _anything(lines, drop, quoted, index):
                end = _rules_above(lines, index)
                break
            else:
                drop[index : attribution + 1] = [True] * (attribution + 1 - index)
            index = attribution
        index += 1
    kept = _without_quotes(lines[:end], quoted[:end], drop)
    return kept, end < len(lines) or len(kept) < len(lines)


def _without_quotes(lines: list[str], quoted: list[bool], drop: list[bool]) -> list[str]:
    """Quotes at the end and at the beginning go; those between answers stay."""
    last = len(lines)
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


def _header_begins(lines: list[str], index: int) -> int | None:
    """`index` when a copied header block, or the line that announces one, begins there."""
    line = lines[index][:_LONGEST_ATTRIBUTION]
    if quote_headers.DELIMITER.match(line):
        return index
    field = quote_headers.FIELD.match(line)
    if field is None or field.lastgroup in {"cc", "reply_to"}:
        return None
    seen = {field.lastgroup}
    misses = 0
    for following in lines[index + 1 : index + 12]:
        if not following.strip():
            misses += 1
        elif (more := quote_headers.FIELD.match(following[:_LONGEST_ATTRIBUTION])) is not None:
            seen.add(more.lastgroup)
        else:
            misses += 1
        if misses > 3:
            break
    enough = len(seen) >= 3 or {"from", "date"} <= seen or {"from", "subject"} <= seen
    return index if enough and "from" in seen else None


def _attribution_ends(lines: list[str], index: int) -> int | None:
    """The last line of the attribution ("On …, Jane wrote:") that begins at `index`, if one does."""
    joined = ""
    for last in range(index, min(index + 4, len(lines))):
        line = lines[last].strip().strip("*_")
        if not line:
            return None
        joined = f"{joined} {line}" if joined else line
        if len(joined) > _LONGEST_ATTRIBUTION:
            return None
        if joined.endswith((":", "：")) or (last > index and joined.endswith(("wrote", "écrit"))):
            return last if _is_attribution(joined, last - index) else None
    return None


def _is_attribution(line: str, wrapped: int) -> bool:
    if not any(c.isdigit() for c in line):
        return bool(_MENTION.search(line) and quote_headers.VERB.search(line[-40:]) and "<" in line)
    begins = quote_headers.BEGINNING.match(line) is not None
    if begins and quote_headers.VERB.search(line):
        return True
    if _MENTION.search(line) and (quote_headers.VERB.search(line) or _TIME_OR_YEAR.search(line)):
        return wrapped <= 2 and (
            "<" in line or begins or quote_headers.VERB.search(line) is not None or " from " in line
        )
    return False


def _without_signature(lines: list[str]) -> tuple[list[str], bool]:
    """Without the block behind a delimiter or a phone's line; never without everything."""
    for index, line in enumerate(lines):
        stripped = line.rstrip()
        if ((stripped[:2] in {"--", "——", "–", "__", "—"} and _SIGNATURE.fullmatch(stripped)) or (
            len(stripped) < 140 and quote_headers.DEVICE.match(stripped) and _stands_alone(lines, index)
        )) and any(before.strip() for before in lines[:index]):
            return lines[:index], True
    return lines, False


def _stands_alone(lines: list[str], index: int) -> bool:
    """A phone's line is a paragraph of its own, or the last one."""
    before = index == 0 or not lines[index - 1].strip() or index == len(lines) - 1
    return before or not any(line.strip() for line in lines[index + 1 :])
