"""What a message adds: its text without quoted history, quote headers and signature. Linear.

A line is looked at closely only if its first characters, or its last, are those of something we know.
"""

from itertools import pairwise

from normalize import signature_blocks
from normalize.limits import REPLY_CHARACTERS
from normalize.outcome import Decision, Decisions
from normalize.reply_history import drop_history
from normalize.reply_lines import Lines, is_rule


def reply_text(text: str, decisions: Decisions = None) -> str:
    """The part of `text` that its author wrote now; all of it when nothing would be left.

    Texts beyond `limits.REPLY_CHARACTERS` are searched in that much from their beginning.
    """
    page = Lines(text[:REPLY_CHARACTERS], decisions)
    _drop_warning(page)
    drop_history(page)
    if not page.forwarded:
        _drop_signature(page)
        _drop_outer_quotes(page)
    reply = page.kept()
    if len(text) > REPLY_CHARACTERS and not page.cut:
        reply += text[REPLY_CHARACTERS:]
    if reply.strip():
        return reply
    if decisions is not None:
        decisions.append(Decision("reply_text", "everything is kept", "nothing would be left"))
    return text.strip() or text


def _drop_warning(page: Lines) -> None:
    """The paragraph on top that a company's server added."""
    first = page.next_written(0)
    if first < page.end and signature_blocks.is_warning(page.bare, first):
        after = first
        while after < page.end and page.bare[after]:
            after += 1
        if page.next_written(after) < page.end:
            page.decide("a server's warning is left out", first)
            page.first = after


def _drop_signature(page: Lines) -> None:
    """The block behind a delimiter, a phone's line, a disclaimer; never everything."""
    bare, drawn, last = page.bare, signature_blocks.DRAWN, _last_own(page)
    lines = bare[page.first : page.end]
    places = [  # where a paragraph begins, and drawn lines
        index
        for index, (above, line) in enumerate(pairwise(lines), page.first + 1)
        if not above or above[0] in drawn or line[:1] in drawn
    ]
    if last not in places:
        places.append(last)
    for index in places:
        line = bare[index]
        if not signature_blocks.is_worth_a_look(line) or page.quoted[index] or index in page.code:
            continue
        if signature_blocks.is_delimiter(bare, index, page.end):
            what = "a signature is left out"
        elif signature_blocks.is_device(line):
            what = "a program's line is left out"
        elif (not bare[index - 1] or page.ruled_above(index)) and signature_blocks.is_disclaimer(bare, index):
            what = "a disclaimer is left out"
        else:
            continue
        if page.anything_before(index):
            page.decide(what, index)
            page.cut_at(index)
            break
    last = _last_written(page)
    if last > page.first and signature_blocks.is_name(bare[last]) and not bare[last - 1] and page.anything_before(last):
        page.decide("a name behind a dash is left out", last)
        page.end = last


def _last_own(page: Lines) -> int:
    """The last line that is neither empty nor quoted."""
    last = page.end - 1
    while last > page.first and (not page.bare[last] or page.quoted[last]):
        last -= 1
    return last


def _last_written(page: Lines) -> int:
    """The last line that is written; what is drawn below it is left out."""
    last = page.end - 1
    while last > page.first and (not page.bare[last] or is_rule(page.bare[last])):
        last -= 1
    if last < page.end - 1:
        page.end = last + 1
    return last


def _drop_outer_quotes(page: Lines) -> None:
    """Quotes at the end and at the beginning go; those between answers stay."""
    bare, quoted, dropped = page.bare, page.quoted, page.dropped
    end = page.end
    if not dropped and True not in quoted:
        return
    while end > page.first and (quoted[end - 1] or end - 1 in dropped or not bare[end - 1]):
        end -= 1
    first = page.first
    while first < end and (quoted[first] or first in dropped or not bare[first]):
        first += 1
    if first >= end:
        return
    if not any(each < first for each in dropped):
        first = page.first  # a quote that nothing introduces was chosen by its author
    if True in quoted[end : page.end]:
        page.decide("quotes at the end are left out", quoted.index(True, end))
    if True in quoted[page.first : first]:
        page.decide("quotes at the beginning are left out", quoted.index(True, page.first))
    page.cut = page.cut or end < page.end
    page.first, page.end = first, end
