"""What a refused login or command means, and which passwords a server hears."""

from pathlib import Path

import pytest

from tests.ingest.imap.mailbox_rig import Rig, mail, until
from tests.ingest.imap.scripted_server import ScriptedImap
from tests.ingest.imap.taken import numbers


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
