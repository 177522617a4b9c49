"""Signing in by token: whose mailbox, which mechanism, and what a refusal means."""

from pathlib import Path

import pytest

from ingest.oauth2 import answer
from tests.ingest.imap.mailbox_rig import Rig, mail, until
from tests.ingest.imap.scripted_server import ScriptedImap
from tests.ingest.oauth2.token_endpoint import TokenEndpoint


def oauth2(url: str, **more: object) -> dict[str, object]:
    return {"token_url": url, "client_id": "desk", "refresh_token": "first-refresh-token"} | more


@pytest.mark.parametrize(
    ("mechanism", "mailbox", "said"),
    [
        ("XOAUTH2", None, ("XOAUTH2", "user=me@desk.example", "auth=Bearer access-1")),
        ("XOAUTH2", "shared@desk.example", ("XOAUTH2", "user=shared@desk.example", "auth=Bearer access-1")),
        ("OAUTHBEARER", "shared@desk.example", ("OAUTHBEARER", "n,a=shared@desk.example,", "auth=Bearer access-1")),
    ],
)
async def test_the_token_of_one_opens_the_mailbox_of_another(
    tmp_path: Path, mechanism: str, mailbox: str | None, said: tuple[str, ...]
) -> None:
    server, endpoint = ScriptedImap(), TokenEndpoint()
    server.add(mail(1))
    async with server.serving() as port, endpoint.serving() as url:
        who = {"username": "me@desk.example", "mailbox": mailbox}
        async with Rig(tmp_path, port, oauth2=oauth2(url, mechanism=mechanism), **who).running() as rig:
            await until(lambda: len(rig.mails) == 1)
    assert server.logins == [said]


async def test_a_token_that_was_revoked_is_replaced_at_once(tmp_path: Path) -> None:
    server, endpoint = ScriptedImap(), TokenEndpoint()
    server.add(mail(1))
    server.accepts = lambda who: who[-1] == "auth=Bearer access-2"
    async with (
        server.serving() as port,
        endpoint.serving() as url,
        Rig(tmp_path, port, oauth2=oauth2(url)).running() as rig,
    ):
        await until(lambda: len(rig.mails) == 1)
    assert [who[-1] for who in server.logins] == ["auth=Bearer access-1", "auth=Bearer access-2"]
    assert "answer to the challenge: ''" in server.said  # the token is not said twice


@pytest.mark.parametrize("where", ["in the middle of a mail", "while it idles"])
async def test_a_token_that_ends_in_the_middle_is_replaced_and_nothing_is_lost_or_doubled(
    tmp_path: Path, where: str
) -> None:
    """The server ends the session and takes the token no more, long before the token said it would end."""
    server, endpoint = ScriptedImap(), TokenEndpoint()

    def first_token_only_once(who: tuple[str, ...]) -> bool:
        return len(server.logins) == 1 or who[-1] == "auth=Bearer access-2"

    server.accepts = first_token_only_once
    if where == "in the middle of a mail":
        server.cut_after["UID FETCH"] = [120]
    for number in (1, 2, 3):
        server.add(mail(number))
    async with (
        server.serving() as port,
        endpoint.serving() as url,
        Rig(tmp_path, port, oauth2=oauth2(url), poll_every=3_600).running() as rig,
    ):
        if where == "while it idles":
            await until(lambda: "IDLE" in server.said)
            server.hang_up()
        await until(lambda: len(server.logins) >= 3)
        server.add(mail(4))
        await until(lambda: len(rig.mails) == 4)
        await until(lambda: all(r"\Seen" in one.flags for one in server.mails.values()))
    assert rig.contents == [mail(number) for number in (1, 2, 3, 4)]
    assert [who[-1] for who in server.logins][:3] == [f"auth=Bearer access-{n}" for n in (1, 1, 2)]
    assert len(endpoint.asked) == 2


async def test_a_mailbox_that_takes_no_token_at_all_needs_a_person(tmp_path: Path) -> None:
    server, endpoint = ScriptedImap(), TokenEndpoint()
    server.accepts = lambda _: False
    server.refused_login = "NO AUTHENTICATE failed."
    async with (
        server.serving() as port,
        endpoint.serving() as url,
        Rig(tmp_path, port, oauth2=oauth2(url)).running() as rig,
    ):
        await until(lambda: bool(rig.place.source.problems))
        assert rig.place.source.problems["receive"].kind == "auth"
    assert len(server.logins) == 2


async def test_a_refusal_that_is_not_about_the_token_asks_for_no_other(tmp_path: Path) -> None:
    server, endpoint = ScriptedImap(), TokenEndpoint()
    server.accepts = lambda _: False
    server.challenge = b'{"status":"403"}'
    server.refused_login = "NO [AUTHORIZATIONFAILED] not yours"
    async with (
        server.serving() as port,
        endpoint.serving() as url,
        Rig(tmp_path, port, oauth2=oauth2(url)).running() as rig,
    ):
        await until(lambda: bool(rig.place.source.problems))
        assert rig.place.source.problems["receive"].kind == "permission"
    assert len(endpoint.asked) == 1


async def test_a_consent_that_has_ended_is_an_auth_error_and_an_endpoint_that_is_away_is_not(tmp_path: Path) -> None:
    server, endpoint = ScriptedImap(), TokenEndpoint()
    server.add(mail(1))
    endpoint.refuse(503, "temporarily_unavailable")
    async with server.serving() as port, endpoint.serving() as url:
        async with Rig(tmp_path, port, oauth2=oauth2(url)).running() as rig:
            await until(lambda: bool(rig.place.source.problems))
            assert rig.place.source.problems["receive"].kind == "transient"
            await until(lambda: len(rig.mails) == 1)
        endpoint.refresh_token = "revoked"
        async with Rig(tmp_path, port, oauth2=oauth2(url)).running() as rig:
            await until(lambda: bool(rig.place.source.problems))
            assert rig.place.source.problems["receive"].kind == "auth"
            assert "sign in again" in str(rig.place.source.problems["receive"])


async def test_a_connection_does_not_outlive_its_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "_SHORTEST_LIFE", 0.1)
    server, endpoint = ScriptedImap(), TokenEndpoint(life=0.1)
    async with (
        server.serving() as port,
        endpoint.serving() as url,
        Rig(tmp_path, port, oauth2=oauth2(url)).running() as rig,
    ):
        await until(lambda: len(server.logins) >= 3)
        assert not rig.place.source.problems
    tokens = [who[-1] for who in server.logins]
    assert len(tokens) == len(set(tokens))


async def test_the_next_process_signs_in_with_the_rotated_refresh_token(tmp_path: Path) -> None:
    server, endpoint = ScriptedImap(), TokenEndpoint()
    async with server.serving() as port, endpoint.serving() as url:
        rig = Rig(tmp_path, port, oauth2=oauth2(url, expires_on="2030-01-31"))
        async with rig.running():
            await until(lambda: server.sessions == 1 and "IDLE" in server.said)
            assert rig.place.source.credential_expires_at is not None
        # the next process signs in with what the provider put in the place of the first refresh token
        async with rig.running():
            await until(lambda: server.sessions == 2 and len(endpoint.asked) == 2)
    assert [asked["refresh_token"] for asked in endpoint.asked] == ["first-refresh-token", "refresh-1"]
