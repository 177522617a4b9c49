"""How far a mailbox has been read, and what is missing in it; no IMAP, no clock.

UIDs only ever grow under one UIDVALIDITY (RFC 9051 §2.3.1.1). Under another they mean nothing: the mailbox is read from
its beginning, and since a mail's id is made of what it says, the desk recognises what it has filed already. A UID that
was skipped may be a mail that somebody removed before we looked, or one that a server with several writers shows later
than its successor: it is looked for again for a while, then reported as missing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

PATIENCE = timedelta(minutes=10)
_MOST_GAPS = 50
_WIDEST_GAP = 1_000


class Gap(BaseModel):
    """UIDs that the server has given away and not shown. `since`: when we first saw that."""

    model_config = ConfigDict(frozen=True)
    first: int
    last: int
    since: datetime


class MailboxCursor(BaseModel):
    """`uid`: the last that was taken or passed. `known_from`: what is missing up to here went before we came.

    `unconfirmed`: what was taken last, until the mailbox has been told.
    """

    model_config = ConfigDict(frozen=True)
    uidvalidity: int
    uid: int = 0
    known_from: int = 0
    gaps: tuple[Gap, ...] = ()
    unconfirmed: tuple[int, ...] = ()


Opened = Literal["first", "same", "changed", "went_back"]


def opened(after: MailboxCursor | None, uidvalidity: int, uidnext: int | None) -> tuple[MailboxCursor, Opened]:
    """The cursor to go on from. `went_back`: the same UIDVALIDITY with lower UIDs, which a restored server may show."""
    beginning = MailboxCursor(uidvalidity=uidvalidity, known_from=(uidnext or 1) - 1)
    if after is None:
        return beginning, "first"
    if after.uidvalidity != uidvalidity:
        return beginning, "changed"
    if uidnext is not None and uidnext <= after.uid:
        return beginning, "went_back"
    return after, "same"


class Found(NamedTuple):
    """UIDs to take now, in order: first what was late, then what is new. `left`: how many more there are."""

    late: Sequence[int]
    new: Sequence[int]
    left: int


def chosen(cursor: MailboxCursor, uids: Iterable[int], most: int) -> Found:
    """Of the UIDs that the server has shown, at most `most` to take; `n:*` always shows the last one, however old."""
    ordered = sorted(set(uids))
    late = [uid for uid in ordered if any(gap.first <= uid <= gap.last for gap in cursor.gaps)]
    new = [uid for uid in ordered if uid > cursor.uid]
    take_late = late[:most]
    take_new = new[: most - len(take_late)]
    return Found(take_late, take_new, len(late) + len(new) - len(take_late) - len(take_new))


def moved(
    cursor: MailboxCursor, found: Found, now: datetime, *, passed: int = 0, confirm: Sequence[int] = ()
) -> MailboxCursor:
    """The cursor when `found` is taken. `passed`: up to here the server has shown that there is nothing else."""
    gaps = [piece for gap in cursor.gaps for piece in _without(gap, found.late)]
    at = cursor.uid
    for uid in found.new:
        gaps += _gap(at + 1, uid - 1, cursor.known_from, now)
        at = uid
    if passed > at:
        gaps += _gap(at + 1, passed, cursor.known_from, now)
        at = passed
    return cursor.model_copy(update={"uid": at, "gaps": tuple(gaps), "unconfirmed": tuple(confirm)})


def given_up(cursor: MailboxCursor, now: datetime) -> tuple[MailboxCursor, Sequence[Gap]]:
    """The cursor without the gaps that have been looked at for long enough, and these."""
    lost = [gap for gap in cursor.gaps if now - gap.since >= PATIENCE or gap.last - gap.first >= _WIDEST_GAP]
    kept = [gap for gap in cursor.gaps if gap not in lost]
    lost += kept[:-_MOST_GAPS]
    kept = kept[-_MOST_GAPS:]
    return (cursor.model_copy(update={"gaps": tuple(kept)}), lost) if lost else (cursor, ())


def _gap(first: int, last: int, known_from: int, now: datetime) -> list[Gap]:
    first = max(first, known_from + 1)
    return [Gap(first=first, last=last, since=now)] if first <= last else []


def _without(gap: Gap, taken: Iterable[int]) -> list[Gap]:
    pieces, first = [], gap.first
    for uid in sorted(uid for uid in taken if gap.first <= uid <= gap.last):
        if first < uid:
            pieces.append(gap.model_copy(update={"first": first, "last": uid - 1}))
        first = uid + 1
    if first <= gap.last:
        pieces.append(gap.model_copy(update={"first": first}))
    return pieces
