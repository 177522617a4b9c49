"""What a message adds: its text without quoted history, quote headers and signature. Linear."""

import re

from normalize import quote_headers
from normalize.limits import REPLY_CANDIDATES, REPLY_CHARACTERS

_SIGNATURE = re.compile(r"[-—–]{2}\s*|_{5,}\s*|-- \S.{0,60}")
_RULE = re.compile(r"[\s>]*[-_=*—–·]{2,}\s*")
_TIME_OR_YEAR = re.compile(r"\d{1,2}[:.hH時]\s?\d{2}|(?:19|20)\d{2}|\d{1,2}/\d{1,2}/\d{2}")
_LONGEST_ATTRIBUTION = 400
_DIGIT = re.compile(r"\d")
_MENTION = re.compile(r"[^\s@]@[^\s@]")
_DASHES = "-—–_"
_FIRST = "-—_=*0123456789"
_DEVICE_WORDS = 10
_HINTS = (">", ":", "：", "--", "__", "——", "–", "==")
_ENDINGS = (":", "：", ":*", ":_")
_QUOTE_MARKS = (">", "&gt;")


def reply_text(text: str) -> str:
    """The part of `text` that its author wrote now; all of it when nothing would be left.

    Texts beyond `limits.REPLY_CHARACTERS` are searched in that much from their beginning.
    """
    head, rest = text[:REPLY_CHARACTERS], text[REPLY_CHARACTERS:]
    if not any(hint in head for hint in _HINTS) and not _device_in(head):
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
    return any(_is_device(line.strip()) for line in text[-600:].split("\n"))


def _without_history(lines: list[str]) -> tuple[list[str], bool]:
    """The lines before the history, with answers that stand between quotes; whether anything was cut."""
    bare = [line.strip() for line in lines]
    quoted = _quoted(bare)
    drop = [False] * len(lines)
    end = len(lines)
    done = -1
    for index in _worth_a_look(bare):
        if index <= done:
            continue
        if _header_begins(lines, index):
            end = _rules_above(bare, index)
            break
        attribution = None if quoted[index] else _attribution_ends(bare, quoted, index)
        if attribution is None:
            continue
        following = _next_written(bare, attribution + 1)
        if following < len(lines) and quoted[following]:
            drop[index:following] = [True] * (following - index)
        elif _anything(bare, drop, quoted, index):
            end = _rules_above(bare, index)
            break
        else:
            drop[index : attribution + 1] = [True] * (attribution + 1 - index)
        done = attribution
    kept = _without_quotes(lines[:end], bare[:end], quoted[:end], drop)
    return kept, end < len(lines) or len(kept) < len(lines)


def _worth_a_look(bare: list[str]) -> list[int]:
    """Where a header block, a delimiter or an attribution could begin; most lines of most mails are none of it."""
    found = [i for i, line in enumerate(bare) if ":" in line or line[:1] in _FIRST or "：" in line]
    before = {j for i in found if bare[i].endswith(_ENDINGS) for j in range(max(0, i - 3), i)}
    return [i for i in sorted(before.union(found)) if bare[i]][:REPLY_CANDIDATES]


def _quoted(bare: list[str]) -> list[bool]:
    """Which lines are quoted, those that were wrapped in the middle of a quote included."""
    quoted = [line.startswith(_QUOTE_MARKS) for line in bare]
    for i in _torn_off(quoted):
        if bare[i] and len(bare[i - 1]) > 50:
            quoted[i] = True
    return quoted


def _torn_off(quoted: list[bool]) -> list[int]:
    """Single lines that are not quoted between two that are."""
    if True not in quoted:
        return []
    around = zip(quoted, quoted[1:], quoted[2:], strict=False)
    return [i for i, (before, here, after) in enumerate(around, start=1) if before and after and not here]


def _without_quotes(lines: list[str], bare: list[str], quoted: list[bool], drop: list[bool]) -> list[str]:
    """Quotes at the end and at the beginning go; those between answers stay."""
    last = len(lines)
    signature = bare.index("--") if "--" in bare else last
    if any(line and not quoted[i] and not drop[i] for i, line in enumerate(bare[:signature])):
        last = signature
    while last and (quoted[last - 1] or drop[last - 1] or not bare[last - 1]):
        last -= 1
    first = 0
    while first < last and (quoted[first] or drop[first] or not bare[first]):
        first += 1
    return [line for line, gone in zip(lines[first:last], drop[first:last], strict=True) if not gone]


def _anything(bare: list[str], drop: list[bool], quoted: list[bool], before: int) -> bool:
    return any(bare[i] and not drop[i] and not quoted[i] for i in range(before))


def _next_written(bare: list[str], index: int) -> int:
    while index < len(bare) and not bare[index]:
        index += 1
    return index


def _rules_above(bare: list[str], index: int) -> int:
    """The first of the empty lines and drawn rules right above `index`."""
    while index and (not bare[index - 1] or _RULE.fullmatch(bare[index - 1][:200])):
        index -= 1
    return index


def _header_begins(lines: list[str], index: int) -> bool:
    """Whether a copied header block, or the line that announces one, begins at `index`."""
    line = lines[index][:_LONGEST_ATTRIBUTION]
    colon = ":" in line[:60] or "：" in line[:60]
    if (colon or line.lstrip(" \t>*_")[:1] in "-—_=") and quote_headers.DELIMITER.match(line):
        return True
    if not colon:
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


def _attribution_ends(bare: list[str], quoted: list[bool], index: int) -> int | None:
    """The last line of the attribution ("On …, Jane wrote:") that begins at `index`, if one does."""
    first = bare[index]
    if first.lstrip("*")[:1].isdigit() and quote_headers.DATED.fullmatch(first[:_LONGEST_ATTRIBUTION]):
        return index
    last = next((i for i in range(index, min(index + 4, len(bare))) if bare[i].endswith(_ENDINGS)), None)
    if last is None:
        return None
    piece = [line.strip("*_") for line in bare[index : last + 1]]
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
    return found is not None and _DIGIT.search(line, found.end() - 1, found.end() + 30) is not None


def _says_wrote(line: str) -> bool:
    lower = line.lower()
    return any(verb in lower for verb in quote_headers.VERBS)


def _is_attribution(line: str, wrapped: int) -> bool:
    if _DIGIT.search(line) is None:
        return "<" in line and _MENTION.search(line) is not None and _says_wrote(line)
    begins = _begins(line)
    mentions = _MENTION.search(line) is not None
    verb = (begins or mentions) and _says_wrote(line)
    if begins and verb:
        return True
    if mentions and (verb or _TIME_OR_YEAR.search(line)):
        return wrapped <= 2 and ("<" in line or begins or verb or " from " in line)
    return False


def _without_signature(lines: list[str]) -> tuple[list[str], bool]:
    """Without the block behind a delimiter or a phone's line; never without everything."""
    for index, line in enumerate(lines):
        if not line or (line[0] not in _DASHES and line.count(" ") > _DEVICE_WORDS):
            continue
        stripped = line.rstrip()
        signature = stripped[:1] in _DASHES and len(stripped) < 80 and _SIGNATURE.fullmatch(stripped)
        if (signature or (_is_device(stripped.lstrip()) and _stands_alone(lines, index))) and any(
            before.strip() for before in lines[:index]
        ):
            return lines[:index], True
    return lines, False


def _is_device(line: str) -> bool:
    """Whether a stripped line is what a program adds: few words, that begin or end like it."""
    if not line or len(line) >= 140 or line.count(" ") >= _DEVICE_WORDS:
        return False
    lower = line.lstrip("*_[(> ").lower()
    return lower.startswith(quote_headers.DEVICES) or lower.endswith(quote_headers.DEVICE_ENDINGS)


def _stands_alone(lines: list[str], index: int) -> bool:
    """A phone's line is a paragraph of its own, or the last one."""
    return index == 0 or not lines[index - 1].strip() or not any(line.strip() for line in lines[index + 1 :])
