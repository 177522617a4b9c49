"""How far a mailbox was read, for every order in which a server may show its UIDs."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ingest.imap.cursor import PATIENCE, Gap, MailboxCursor, chosen, given_up, moved, opened

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_the_first_look_misses_nobody_who_went_before() -> None:
    cursor, how = opened(None, 7, 11)
    assert (cursor, how) == (MailboxCursor(uidvalidity=7, known_from=10), "first")
    assert not moved(cursor, chosen(cursor, [3, 9], 50), NOW).gaps
    later = moved(cursor, chosen(cursor, [3, 9, 14], 50), NOW)
    assert later.gaps == (Gap(first=11, last=13, since=NOW),)


def test_another_uidvalidity_begins_anew_and_so_do_uids_that_went_back() -> None:
    cursor = MailboxCursor(uidvalidity=7, uid=20)
    assert opened(cursor, 8, 5) == (MailboxCursor(uidvalidity=8, known_from=4), "changed")
    assert opened(cursor, 7, 20) == (MailboxCursor(uidvalidity=7, known_from=19), "went_back")
    assert opened(cursor, 7, 21) == (cursor, "same")
    assert opened(cursor, 7, None) == (cursor, "same")


def test_the_last_mail_that_a_star_always_shows_is_not_taken_again() -> None:
    assert chosen(MailboxCursor(uidvalidity=1, uid=9), [9], 50).new == []


def test_gaps_are_given_up_after_a_while_and_when_there_are_too_many() -> None:
    old = Gap(first=1, last=1, since=NOW - PATIENCE)
    wide = Gap(first=10, last=5_000, since=NOW)
    young = [Gap(first=10_000 + 2 * n, last=10_000 + 2 * n, since=NOW) for n in range(60)]
    kept, lost = given_up(MailboxCursor(uidvalidity=1, gaps=(old, wide, *young)), NOW)
    assert lost == [old, wide, *young[:10]]
    assert kept.gaps == tuple(young[10:])
    assert given_up(kept, NOW) == (kept, ())


@given(st.data())
def test_whatever_is_shown_when_each_uid_is_taken_once_or_given_up(data: st.DataObject) -> None:
    """UIDs become visible in any order; some never do. What was visible in time is taken, and nothing twice."""
    last = data.draw(st.integers(1, 40))
    never = data.draw(st.sets(st.integers(1, last)))
    shown: set[int] = set()
    taken: list[int] = []
    lost: set[int] = set()
    cursor, now = opened(None, 1, 1)[0], NOW
    for step in range(30):
        now += timedelta(minutes=1)
        coming = sorted(set(range(1, last + 1)) - never - shown)
        shown |= set(coming) if step == 25 else data.draw(st.sets(st.sampled_from(coming))) if coming else set()
        found = chosen(cursor, shown - lost, data.draw(st.integers(1, 8)))
        taken += [*found.late, *found.new]
        cursor, gone = given_up(moved(cursor, found, now), now)
        lost |= {uid for gap in gone for uid in range(gap.first, gap.last + 1)}
    while (found := chosen(cursor, shown, 8)).new or found.late:
        taken += [*found.late, *found.new]
        cursor = moved(cursor, found, now)
    assert len(taken) == len(set(taken))
    assert set(taken) <= shown
    still = {uid for gap in cursor.gaps for uid in range(gap.first, gap.last + 1)}
    assert set(range(1, cursor.uid + 1)) == set(taken) | lost | still
    assert not set(taken) & (lost | still)
    assert all(uid in lost for uid in shown - set(taken))
