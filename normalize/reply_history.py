"""Where the history of a conversation begins in a text: dividers, copied header blocks, attributions."""

from normalize import quote_headers
from normalize.limits import REPLY_CANDIDATES
from normalize.reply_lines import COLONS, MARKS, Lines, is_rule

_HEADS = quote_headers.HEADS | quote_headers.HEADS_OF_LINES
_FIRSTS = MARKS | quote_headers.HEADS_UNSPACED
_POSSIBLE = quote_headers.DIGIT_OR_COLON.search
_AFTER_COLON = frozenset("*_->") | COLONS
_WRAPPED = 4
_HEADER_LINES = 14
_HEADER_MISSES = 3
_HEAD = 60
_SENTENCE = 20


def drop_history(page: Lines) -> None:
    """Find where the history begins; drop attributions of quotes that stay."""
    done = page.first - 1
    for index in _worth_a_look(page):
        if index <= done:
            continue
        if _is_divider(page, index) or _is_header(page, index):
            if page.anything_before(index):
                page.decide("what follows is history", index)
                page.cut_at(index)
            else:
                _keep_what_was_forwarded(page, index)
            return
        span = _attribution(page, index, done)
        if span is None:
            continue
        begin, done = span
        following = page.next_written(done + 1)
        if following < page.end and page.quoted[following]:
            page.decide("an attribution is left out", begin)
            page.dropped.update(range(begin, following))
        elif page.anything_before(begin):
            page.decide("an attribution begins the history", begin)
            page.cut_at(begin)
            return
        else:
            page.decide("an attribution is left out", begin)
            page.dropped.update(range(begin, done + 1))


def _worth_a_look(page: Lines) -> list[int]:
    """Where a header block, a delimiter or an attribution could be; most lines of most mails are none of it."""
    found = [
        i
        for i, line in enumerate(page.bare)
        if line and (line[-1] in _AFTER_COLON or line[0] in _FIRSTS or line[:3] in _HEADS)
    ]
    return [i for i in found if not page.quoted[i] and i not in page.code and _may_tell(page.bare[i])][
        :REPLY_CANDIDATES
    ]


def _may_tell(line: str) -> bool:
    return (
        line[-1] in _AFTER_COLON
        or line[0] in MARKS
        or line[:3] in quote_headers.HEADS_OF_LINES
        or _POSSIBLE(line, 0, _HEAD) is not None
    )


def _is_divider(page: Lines, index: int) -> bool:
    """Whether a line announces that all below is history."""
    line = page.bare[index]
    if quote_headers.announces(line) is not None:
        return True
    return (
        index + 1 < page.end and is_rule(line) and quote_headers.is_previous_title(page.bare[index + 1])
    )  # fmt: skip


def _is_header(page: Lines, index: int) -> bool:
    """Whether a copied header block begins at a line."""
    kind = quote_headers.field_kind(page.bare[index])
    if kind is None or kind == "cc":
        return False
    seen = {kind}
    addressed = quote_headers.has_address(page.bare[index][: quote_headers.LONGEST])
    misses: float = 0
    for following in page.bare[index + 1 : index + _HEADER_LINES]:
        more = quote_headers.field_kind(following)
        if more is not None:
            seen.add(more)
        else:
            misses += 1 if following else 0.5
        addressed = addressed or quote_headers.has_address(following[: quote_headers.LONGEST])
        if misses > _HEADER_MISSES:
            break
    if "from" not in seen:
        return False
    if len(seen) == 1:
        return (index == 0 or not page.bare[index - 1] or page.ruled_above(index)) and quote_headers.is_sender(
            page.bare[index]
        )
    if addressed or page.ruled_above(index):
        return len(seen) >= 3 or not seen.isdisjoint(("sent", "date", "subject"))
    return ("sent" in seen and len(seen) >= 3) or ("subject" in seen and not seen.isdisjoint(("sent", "date", "to")))


def _keep_what_was_forwarded(page: Lines, index: int) -> None:
    """Nothing was written above a forwarded mail: what was forwarded is what there is, without its header."""
    at = index if quote_headers.field_kind(page.bare[index]) else page.next_written(index + 1)
    if at < page.end and _is_header(page, at):
        at = _below_header(page, at)
    if page.next_written(at) < page.end:
        page.decide("a forwarded mail is kept, without its header", index)
        page.first = at
        page.forwarded = True


def _below_header(page: Lines, index: int) -> int:
    """The first line below a copied header block, whose fields may be folded or stand apart."""
    last = index
    for at in range(index, min(page.end, index + 2 * _HEADER_LINES)):
        if quote_headers.field_kind(page.bare[at]) is not None:
            last = at
        elif not page.bare[at]:
            following = page.next_written(at)
            if following >= page.end or quote_headers.field_kind(page.bare[following]) is None:
                return at
    return last + 1


def _attribution(page: Lines, index: int, done: int) -> tuple[int, int] | None:
    """The first and the last line of the attribution that ends at `index`, or begins there without a colon."""
    bare = page.bare
    last = index
    line = bare[index]
    if line[-1] not in _AFTER_COLON:
        if quote_headers.is_whole_attribution(line):
            return index, index
        if not quote_headers.begins_with_date(line):
            return None
        for last in _ends(page, index):
            if _is_one_attribution(bare[index : last + 1]):
                return index, last
    begin = _grown(page, last, done)
    if begin is not None and (begin <= index <= last):
        return begin, last
    following = page.next_written(last + 1)
    if following < page.end and page.quoted[following] and quote_headers.may_be_attribution(line):
        return index, last
    return None


def _ends(page: Lines, index: int) -> list[int]:
    """Where an attribution that begins at `index` may end: at the first colon, else at a verb."""
    near = [n for n in range(index, min(index + _WRAPPED + 1, page.end)) if page.bare[n]]
    colons = [n for n in near if page.bare[n][-1] in _AFTER_COLON]
    return [*colons[:1], *(n for n in near if quote_headers.last_verb(page.bare[n]) >= 0)]


def _is_one_attribution(wrapped: list[str]) -> bool:
    """Whether lines, the first of which begins like an attribution, are one; none ends like a sentence before it."""
    if not all(wrapped) or sum(map(len, wrapped)) > quote_headers.LONGEST:
        return False
    sentences = any(line[-1] in ".!?" and len(line) > _SENTENCE for line in wrapped[:-1])
    return not sentences and quote_headers.is_attribution(" ".join(wrapped))


def _grown(page: Lines, last: int, done: int) -> int | None:
    """The first line of the attribution that ends at `last`: wrapped lines above are taken in if it needs them."""
    bare = page.bare
    joined = ""
    found = None
    for n in range(last, max(done, page.first - 1, last - _WRAPPED - 1), -1):
        line = bare[n]
        if not line or (page.quoted[n] and n != last):
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


def _needs_more(first: str, above: str) -> bool:
    """Whether an attribution whose first line is `first` may go on above: it begins like the rest of something."""
    if above[-1] in ".!?:" and not quote_headers.begins_with_date(above):
        return False
    return first[0] in "<([\"'," or first[0].islower() or above[-1] in ",<([" or quote_headers.begins_with_date(above)


def _torn(above: str) -> bool:
    """Whether a line ends in the middle of something: an address, or a date that begins an attribution."""
    return above != "" and (above[-1] in "<([" or (above[-1] == "," and quote_headers.begins_with_date(above)))
