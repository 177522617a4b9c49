"""A server that breaks off, falls silent or cannot give a mail: it is called again, and nothing is lost or doubled."""

import asyncio
from pathlib import Path

from tests.ingest.imap.mailbox_rig import Rig, mail, until
from tests.ingest.imap.scripted_server import ScriptedImap
from tests.ingest.imap.taken import numbers, seen


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
