"""Sending by SMTP with a token (XOAUTH2): renewed when it is refused, and errors say who has to do what."""

from base64 import b64decode
from pathlib import Path

import pytest
from pydantic import ValidationError

from bus.blobs import FolderBlobs
from bus.errors import Retryable
from ingest.contract import Sender
from ingest.outgoing_server import OutgoingServer
from ingest.smtp_out import smtp_sender
from tests.ingest.oauth2.token_endpoint import TokenEndpoint
from tests.ingest.sending.replies import a_reply
from tests.ingest.sending.scripted_server import ScriptedServer, scripted

OWN = "support@desk.example"
TAKEN = {"AUTH": b"235 2.7.0 accepted"}
REFUSED = b"535 5.7.3 authentication unsuccessful"


def settings(url: str, **more: object) -> dict[str, object]:
    oauth2 = {"token_url": url, "client_id": "desk", "refresh_token": "first-refresh-token"}
    return {"host": "127.0.0.1", "security": "none", "username": OWN, "oauth2": oauth2} | more


def sender_to(server: ScriptedServer, url: str, folder: Path) -> Sender:
    given = OutgoingServer.model_validate(settings(url, port=server.port))
    return smtp_sender("support-mail", {"default": given}, OWN, FolderBlobs(folder), folder / "tokens")


def signed_in(server: ScriptedServer) -> list[str]:
    said = [verb.split(" ") for verb in server.verbs if verb.startswith("AUTH ")]
    assert all(words[1] == "XOAUTH2" for words in said)
    return [b64decode(words[2]).decode() for words in said]


async def test_mail_leaves_by_token(tmp_path: Path) -> None:
    endpoint = TokenEndpoint()
    async with scripted(TAKEN, extensions="AUTH PLAIN XOAUTH2") as server, endpoint.serving() as url:
        sender = sender_to(server, url, tmp_path)
        for _ in range(2):
            await sender.send(a_reply())
        await sender.close()
    assert signed_in(server) == [f"user={OWN}\1auth=Bearer access-1\1\1"]
    assert len(server.mails) == 2
    assert list((tmp_path / "tokens").iterdir())  # the rotated refresh token


async def test_a_token_that_was_revoked_is_replaced_at_once(tmp_path: Path) -> None:
    endpoint = TokenEndpoint()
    async with scripted(TAKEN, extensions="AUTH XOAUTH2") as server, endpoint.serving() as url:
        server.once["AUTH"] = REFUSED
        sender = sender_to(server, url, tmp_path)
        await sender.send(a_reply())
        await sender.close()
    assert [said.partition("Bearer ")[2].strip("\1") for said in signed_in(server)] == ["access-1", "access-2"]


async def test_who_is_refused_with_a_new_token_too_has_to_be_looked_after(tmp_path: Path) -> None:
    endpoint = TokenEndpoint()
    async with scripted({"AUTH": REFUSED}, extensions="AUTH XOAUTH2") as server, endpoint.serving() as url:
        sender = sender_to(server, url, tmp_path)
        for _ in range(3):  # the server is left alone for a while
            with pytest.raises(Retryable, match="the consent") as caught:
                await sender.send(a_reply())
            assert caught.value.kind == "auth"
            assert "access-" not in str(caught.value)
        await sender.close()
    assert len(signed_in(server)) == 2
    assert not server.mails


async def test_a_consent_that_has_ended_asks_nobody_for_every_mail(tmp_path: Path) -> None:
    endpoint = TokenEndpoint()
    endpoint.refresh_token = "another"
    async with scripted(TAKEN, extensions="AUTH XOAUTH2") as server, endpoint.serving() as url:
        sender = sender_to(server, url, tmp_path)
        for _ in range(3):
            with pytest.raises(Retryable, match="sign in again") as caught:
                await sender.send(a_reply())
            assert caught.value.kind == "auth"
        await sender.close()
    assert len(endpoint.asked) == 1
    assert server.connections == 0


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"password": "x"}, "either password"),
        ({"username": None}, "go together"),
        ({"host": "mail.desk.example"}, "needs security"),
    ],
)
def test_what_does_not_fit_together_is_said(more: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        OutgoingServer.model_validate(settings("https://login.example/token", **more))


def test_only_xoauth2_is_spoken() -> None:
    given = settings("https://login.example/token")
    assert isinstance(given["oauth2"], dict)
    with pytest.raises(ValidationError, match="XOAUTH2"):
        OutgoingServer.model_validate(given | {"oauth2": given["oauth2"] | {"mechanism": "OAUTHBEARER"}})
