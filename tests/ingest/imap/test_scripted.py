"""A mailbox at its worst: renumbered, cut off, refusing. Nothing is lost, doubled, or marked before Kafka has it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bus.errors import Retryable
from ingest.imap import cursor as cursor_module
from tests.ingest.imap.mailbox_rig import Rig, mail, until
from tests.ingest.imap.scripted_server import ScriptedImap, StoredMail


@pytest.fixture
def server() -> ScriptedImap:
    return ScriptedImap()


@pytest.fixture
async def port(server: ScriptedImap) -> AsyncIterator[int]:
    async with server.serving() as port:
        yield port


def numbers(rig: Rig) -> list[int]:
    return [int(content.rpartition(b"text of ")[2]) for content in rig.contents]


def seen(server: ScriptedImap) -> list[int]:
    return [uid for uid, one in server.mails.items() if r"\Seen" in one.flags]


async def test_all_is_taken_in_order_and_then_marked(server: ScriptedImap, port: int, tmp_path: Path) -> None:
    for number in range(120):
        server.add(mail(number))
    async with Rig(tmp_path, port).running() as rig:
        await until(lambda: len(seen(server)) == 120)
        assert numbers(rig) == list(range(120))
    assert server.logins == [("support@desk.example", "geheim")]
    assert server.sessions == 1


async def test_nothing_is_marked_before_kafka_has_it(server: ScriptedImap, port: int, tmp_path: Path) -> None:
    server.add(mail(1))
    rig = Rig(tmp_path, port)
    marked_at_emit: list[list[int]] = []
    refusals = [Retryable("Kafka is away")]

    def look() -> None:
        marked_at_emit.append(seen(server))
        if refusals:
            raise refusals.pop()

    rig.before_emit = look
    async with rig.running():
        await until(lambda: seen(server) == [1])
    assert marked_at_emit == [[], []]
    assert numbers(rig) == [1]


async def test_mail_that_comes_while_it_idles_is_announced(server: ScriptedImap, port: int, tmp_path: Path) -> None:
    async with Rig(tmp_path, port, poll_every=3_600).running() as rig:
        await until(lambda: "IDLE" in server.said)
        server.add(mail(1))
        await until(lambda: numbers(rig) == [1])


@pytest.mark.parametrize("early", [True, False])
async def test_mail_that_comes_between_the_look_and_the_waiting_is_not_overheard(
    server: ScriptedImap, port: int, tmp_path: Path, early: bool
) -> None:
    """The server says so just before, or in one piece with, its leave to idle."""
    server.announces_early = early
    server.add(mail(1))
    server.after_select = lambda: server.add(mail(2)) if seen(server) == [1] and len(server.mails) == 1 else None
    async with Rig(tmp_path, port, poll_every=3_600).running() as rig:
        await until(lambda: numbers(rig) == [1, 2])
        assert not rig.place.source.problems
    assert server.sessions == 1


async def test_a_server_without_idle_is_polled(server: ScriptedImap, port: int, tmp_path: Path) -> None:
    server.capabilities = "IMAP4rev1"
    async with Rig(tmp_path, port).running() as rig:
        await until(lambda: len([said for said in server.said if said.startswith("SELECT")]) >= 3)
        server.add(mail(1))
        await until(lambda: numbers(rig) == [1])
    assert "IDLE" not in server.said


async def test_another_uidvalidity_loses_nothing(server: ScriptedImap, port: int, tmp_path: Path) -> None:
    for number in (1, 2, 3):
        server.add(mail(number))
    rig = Rig(tmp_path, port)
    async with rig.running():
        await until(lambda: numbers(rig) == [1, 2, 3])
    # restored from a backup: mail 1 was removed, two came, and their UIDs are lower than those we know
    del server.mails[1]
    server.add(mail(4))
    server.renumber(77)
    async with rig.running():
        await until(lambda: numbers(rig)[3:] == [2, 3, 4])
    ids = {raw.headers[":uid"] for raw in rig.mails}
    assert ids == {"1/1", "1/2", "1/3", "77/1", "77/2", "77/3"}
    assert rig.contents[1:3] == rig.contents[3:5]  # the same bytes: the desk gives them the same ids


@pytest.mark.parametrize("hangs_up", [False, True])
async def test_another_uidvalidity_in_the_middle_of_idle_loses_nothing(
    server: ScriptedImap, port: int, tmp_path: Path, hangs_up: bool
) -> None:
    """The mailbox is restored under our eyes; the server says so by a new mail, or by ending the connection."""
    for number in (1, 2, 3):
        server.add(mail(number))
    async with Rig(tmp_path, port, poll_every=3_600).running() as rig:
        await until(lambda: seen(server) == [1, 2, 3] and "IDLE" in server.said)
        del server.mails[1]
        server.renumber(77)
        for uid in server.mails:
            server.mails[uid].flags.clear()
        if hangs_up:
            server.mails[server.uidnext] = StoredMail(mail(4))
            server.uidnext += 1
            server.hang_up()
        else:
            server.add(mail(4))
        await until(lambda: numbers(rig) == [1, 2, 3, 2, 3, 4])
        await until(lambda: seen(server) == [1, 2, 3])
        assert "renumbered" not in rig.place.source.problems
        assert rig.cursors.stored["support-box"]["uidvalidity"] == 77
        server.add(mail(5))  # and on it goes, under the new numbers
        await until(lambda: numbers(rig)[6:] == [5])
    assert rig.contents[1:3] == rig.contents[3:5]  # the same bytes: the desk gives them the same ids


async def test_a_gap_that_opens_while_it_idles_is_looked_at_again_and_a_new_uidvalidity_forgets_it(
    server: ScriptedImap, port: int, tmp_path: Path
) -> None:
    async with Rig(tmp_path, port).running() as rig:
        await until(lambda: "IDLE" in server.said)
        server.hidden = {2}
        for number in (1, 2, 3):
            server.add(mail(number))
        await until(lambda: numbers(rig) == [1, 3])
        await until(lambda: bool(rig.cursors.stored["support-box"]["gaps"]))
        (gap,) = rig.cursors.stored["support-box"]["gaps"]
        assert (gap["first"], gap["last"]) == (2, 2)
        server.hidden = set()
        server.renumber(8)
        server.announce()
        await until(lambda: {"8/1", "8/2", "8/3"} <= {raw.headers[":uid"] for raw in rig.mails})
        await until(lambda: rig.cursors.stored["support-box"]["uidvalidity"] == 8)
        assert not rig.cursors.stored["support-box"]["gaps"]
    assert set(numbers(rig)) == {1, 2, 3}


async def test_lower_uids_under_the_same_uidvalidity_are_read_again(
    server: ScriptedImap, port: int, tmp_path: Path
) -> None:
    server.add(mail(1), uid=50)
    rig = Rig(tmp_path, port)
    async with rig.running():
        await until(lambda: numbers(rig) == [1])
    server.mails, server.uidnext = {}, 1
    server.add(mail(2))
    async with rig.running():
        await until(lambda: numbers(rig) == [1, 2])


async def test_a_connection_lost_in_the_middle_of_a_mail_is_made_again(
    server: ScriptedImap, port: int, tmp_path: Path
) -> None:
    for number in range(5):
        server.add(mail(number))
    server.cut_after["UID FETCH"] = [120, 60]
    async with Rig(tmp_path, port).running() as rig:
        await until(lambda: len(seen(server)) == 5)
        assert numbers(rig) == list(range(5))
    assert server.sessions == 3


async def test_a_server_that_hangs_up_while_we_idle_is_called_again(
    server: ScriptedImap, port: int, tmp_path: Path
) -> None:
    async with Rig(tmp_path, port, poll_every=3_600).running() as rig:
        await until(lambda: "IDLE" in server.said)
        server.hang_up()
        server.add(mail(1))
        await until(lambda: numbers(rig) == [1])
        assert server.sessions == 2


async def test_a_crash_before_the_mailbox_was_told_is_made_good(
    server: ScriptedImap, port: int, tmp_path: Path
) -> None:
    server.add(mail(1))
    server.mute = {"UID STORE"}
    rig = Rig(tmp_path, port)
    async with rig.running():
        await until(lambda: any(said.startswith("UID STORE") for said in server.said))
    server.mute = set()
    assert not seen(server)
    async with rig.running():
        await until(lambda: seen(server) == [1])
    assert numbers(rig) == [1]


async def test_a_stop_ends_a_server_that_says_nothing(server: ScriptedImap, port: int, tmp_path: Path) -> None:
    server.add(mail(1))
    server.mute = {"UID SEARCH"}
    async with asyncio.timeout(30):
        async with Rig(tmp_path, port, timeouts={"read": 3_600.0}).running():
            await until(lambda: any(said.startswith("UID SEARCH") for said in server.said))


async def test_of_what_is_too_large_the_header_is_taken_and_the_rest_left(
    server: ScriptedImap, port: int, tmp_path: Path
) -> None:
    server.add(mail(1))
    server.add(mail(2), size=30_000_000)
    server.add(mail(3))
    async with Rig(tmp_path, port, max_message_bytes=1_024).running() as rig:
        await until(lambda: len(rig.mails) == 3)
        await until(lambda: seen(server) == [1, 3])
        assert server.fetched[2] == 0
        large = rig.mails[1]
        assert large.headers[":left-at-source"] == "30000000"
        assert rig.contents[1] == mail(2).partition(b"text of")[0]


async def test_one_mail_that_the_server_cannot_give_does_not_hold_up_the_others(
    server: ScriptedImap, port: int, tmp_path: Path
) -> None:
    for number in (1, 2, 3):
        server.add(mail(number))
    server.unfetchable = {2}
    rig = Rig(tmp_path, port)
    async with rig.running():
        await until(lambda: len(rig.mails) == 3)
        await until(lambda: seen(server) == [1, 3])
    assert rig.contents[1] == mail(2).partition(b"text of")[0]
    assert ":left-at-source" in rig.mails[1].headers


async def test_a_date_that_is_none_is_done_without(server: ScriptedImap, port: int, tmp_path: Path) -> None:
    server.add(mail(1))
    server.bad_dates = True
    async with Rig(tmp_path, port).running() as rig:
        await until(lambda: numbers(rig) == [1])


async def test_a_uid_that_is_shown_late_is_taken_late(server: ScriptedImap, port: int, tmp_path: Path) -> None:
    rig = Rig(tmp_path, port)
    async with rig.running():
        await until(lambda: "support-box" in rig.cursors.stored)
    server.hidden = {2}
    for number in (1, 2, 3):
        server.add(mail(number))
    async with rig.running():
        await until(lambda: numbers(rig) == [1, 3])
        server.hidden = set()
        await until(lambda: numbers(rig) == [1, 3, 2])
        await until(lambda: seen(server) == [1, 2, 3])


async def test_a_uid_that_is_never_shown_is_reported(
    server: ScriptedImap, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingest.imap.poller import MISSING

    monkeypatch.setattr(cursor_module, "PATIENCE", cursor_module.PATIENCE * 0)
    before = MISSING.labels("support-box")._value.get()
    rig = Rig(tmp_path, port)
    async with rig.running():
        await until(lambda: "support-box" in rig.cursors.stored)
    for number in (1, 2, 3):
        server.add(mail(number))
    del server.mails[2]
    async with rig.running():
        await until(lambda: numbers(rig) == [1, 3])
        await until(lambda: MISSING.labels("support-box")._value.get() == before + 1)


async def test_mails_are_moved_to_a_folder_that_is_made(server: ScriptedImap, port: int, tmp_path: Path) -> None:
    server.add(mail(1))
    async with Rig(tmp_path, port, when_taken="move", move_to="Taken").running() as rig:
        await until(lambda: server.moved == [(1, "Taken")])
        assert "Taken" in server.folders
        server.add(mail(2))
        await until(lambda: server.moved == [(1, "Taken"), (2, "Taken")])
        assert numbers(rig) == [1, 2]
    assert not server.mails


async def test_a_server_that_cannot_move_copies_and_removes_only_ours(
    server: ScriptedImap, port: int, tmp_path: Path
) -> None:
    server.capabilities = "IMAP4rev1 UIDPLUS"
    server.add(mail(1))
    server.add(mail(2), flags={r"\Deleted"})
    async with Rig(tmp_path, port, when_taken="move", move_to="Taken").running() as rig:
        await until(lambda: server.moved == [(1, "Taken"), (2, "Taken")])
        await until(lambda: not server.mails)
        assert numbers(rig) == [1, 2]


async def test_read_only_changes_nothing(server: ScriptedImap, port: int, tmp_path: Path) -> None:
    server.add(mail(1))
    rig = Rig(tmp_path, port, read_only=True)
    async with rig.running():
        await until(lambda: numbers(rig) == [1])
        server.add(mail(2))
        await until(lambda: numbers(rig) == [1, 2])
    assert not seen(server)
    said = {" ".join(said.split(" ")[:2]) for said in server.said}
    assert not said & {"SELECT INBOX", "UID STORE", "UID MOVE"}


async def test_an_old_mailbox_is_begun_in_the_middle(server: ScriptedImap, port: int, tmp_path: Path) -> None:
    server.add(mail(1))
    async with Rig(tmp_path, port, since="2026-03-01").running() as rig:
        await until(lambda: numbers(rig) == [1])
    assert any("SINCE" in said and "01-Mar-2026" in said for said in server.said)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("TAG NO [AUTHENTICATIONFAILED] Invalid credentials\r\n", "auth"),
        ("TAG NO LOGIN failed.\r\n", "auth"),
        ("TAG NO [UNAVAILABLE] try later\r\n", "transient"),
        ("TAG NO [AUTHORIZATIONFAILED] not you\r\n", "permission"),
        ("TAG NO [ALERT] Too many simultaneous connections. (Failure)\r\n", "quota"),
        ("TAG BAD User is authenticated but not connected.\r\n", "permission"),
        ("TAG BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds\r\n", "quota"),
        ("* BYE overloaded\r\n", "transient"),
    ],
)
async def test_what_a_refused_login_means(
    server: ScriptedImap, port: int, tmp_path: Path, answer: str, kind: str
) -> None:
    server.answers["LOGIN"] = [answer]
    async with Rig(tmp_path, port).running() as rig:
        await until(lambda: bool(rig.place.source.problems))
        problem = rig.place.source.problems["receive"]
        assert problem.kind == kind
        assert "geheim" not in str(problem)
        assert problem.after == (299.961 if "Backoff" in answer else None)


@pytest.mark.parametrize(
    ("command", "answer", "kind"),
    [
        ("SELECT", "TAG NO [NONEXISTENT] Unknown Mailbox: INBOX\r\n", "contract"),
        ("SELECT", "* OK [UIDNEXT 5] x\r\nTAG OK done\r\n", "contract"),
        ("SELECT", "* OK [UIDVALIDITY 5] x\r\nTAG OK [READ-ONLY] done\r\n", "permission"),
        ("UID SEARCH", "TAG NO [OVERQUOTA] Account exceeded command or bandwidth limits\r\n", "quota"),
        ("UID SEARCH", "TAG BAD what?\r\n", "contract"),
        ("UID FETCH", "* 1 FETCH (((\r\nTAG OK done\r\n", "contract"),
        ("UID SEARCH", "\x00\xff nonsense\r\n", "transient"),
    ],
)
async def test_what_a_refused_command_means_and_that_it_is_tried_again(
    server: ScriptedImap, port: int, tmp_path: Path, command: str, answer: str, kind: str
) -> None:
    server.add(mail(1))
    server.answers[command] = [answer] * 2
    async with Rig(tmp_path, port).running() as rig:
        await until(lambda: bool(rig.place.source.problems) or numbers(rig) == [1])
        assert rig.place.source.problems["receive"].kind == kind


async def test_a_server_that_wants_no_password_here_hears_none(server: ScriptedImap, port: int, tmp_path: Path) -> None:
    server.capabilities = "IMAP4rev1 LOGINDISABLED"
    async with Rig(tmp_path, port).running() as rig:
        await until(lambda: bool(rig.place.source.problems))
        assert rig.place.source.problems["receive"].kind == "contract"
    assert not any("geheim" in said for said in server.said)


async def test_somebody_elses_mailbox_by_password(server: ScriptedImap, port: int, tmp_path: Path) -> None:
    server.add(mail(1))
    async with Rig(tmp_path, port, username="me", mailbox="shared").running() as rig:
        await until(lambda: numbers(rig) == [1])
    assert server.logins == [("PLAIN", "shared", "me", "geheim")]
