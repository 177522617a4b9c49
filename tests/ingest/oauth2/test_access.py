"""Access tokens: renewed in time, refresh tokens kept, and errors that say who has to do what."""

import json
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from bus.errors import Retryable
from ingest.oauth2.access import Access
from ingest.oauth2.answer import read_answer
from ingest.oauth2.settings import OAuth2Settings
from tests.ingest.oauth2.token_endpoint import TokenEndpoint


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def settings(url: str, **more: object) -> OAuth2Settings:
    given = {"token_url": url, "client_id": "desk", "refresh_token": "first-refresh-token", "scope": "mail offline"}
    return OAuth2Settings.model_validate(given | more)


async def test_a_token_is_used_for_four_fifths_of_its_life(tmp_path: Path) -> None:
    endpoint, clock = TokenEndpoint(life=1_000), Clock()
    async with endpoint.serving() as url:
        access = Access(settings(url), tmp_path / "t.json", clock=clock)
        assert await access.token() == await access.token() == "access-1"
        clock.now += 799
        assert (access.due, await access.token()) == (False, "access-1")
        clock.now += 2
        assert (access.due, await access.token()) == (True, "access-2")
    assert endpoint.asked[0] == {
        "grant_type": "refresh_token",
        "client_id": "desk",
        "scope": "mail offline",
        "refresh_token": "first-refresh-token",
    }


async def test_a_rotated_refresh_token_outlives_the_process(tmp_path: Path) -> None:
    endpoint, path = TokenEndpoint(), tmp_path / "tokens" / "t.json"
    async with endpoint.serving() as url:
        await Access(settings(url), path).token()
        await Access(settings(url), path).token()
        assert [asked["refresh_token"] for asked in endpoint.asked] == ["first-refresh-token", "refresh-1"]
        assert await Access(settings(url), path).token() == "access-3"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert json.loads(path.read_text())["refresh_token"] == "refresh-3"


async def test_a_newly_configured_token_replaces_the_stored_one(tmp_path: Path) -> None:
    endpoint, path = TokenEndpoint(), tmp_path / "t.json"
    async with endpoint.serving() as url:
        await Access(settings(url), path).token()
        endpoint.refresh_token = "signed-in-again"
        await Access(settings(url, refresh_token="signed-in-again"), path).token()
    assert endpoint.asked[-1]["refresh_token"] == "signed-in-again"


async def test_a_damaged_file_falls_back_on_what_is_configured(tmp_path: Path) -> None:
    endpoint, path = TokenEndpoint(rotates=False), tmp_path / "t.json"
    path.write_text("{")
    async with endpoint.serving() as url:
        assert await Access(settings(url), path).token() == "access-1"


async def test_a_token_that_cannot_be_stored_is_not_used(tmp_path: Path) -> None:
    endpoint = TokenEndpoint()
    (tmp_path / "tokens").write_text("a file where the folder should be")
    async with endpoint.serving() as url:
        with pytest.raises(Retryable, match="cannot be stored"):
            await Access(settings(url), tmp_path / "tokens" / "t.json").token()


async def test_the_application_itself_signs_in(tmp_path: Path) -> None:
    endpoint = TokenEndpoint()
    async with endpoint.serving() as url:
        given = settings(url, grant="client_credentials", client_secret="geheim", refresh_token=None)
        assert await Access(given, tmp_path / "t.json").token() == "access-1"
    assert endpoint.asked == [
        {"grant_type": "client_credentials", "client_id": "desk", "scope": "mail offline", "client_secret": "geheim"}
    ]
    assert not (tmp_path / "t.json").exists()


async def test_a_refused_token_is_not_shown_again(tmp_path: Path) -> None:
    endpoint = TokenEndpoint()
    async with endpoint.serving() as url:
        access = Access(settings(url), tmp_path / "t.json")
        await access.token()
        access.reject()
        assert await access.token() == "access-2"


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, "invalid_grant", "auth"),
        (401, "invalid_client", "auth"),
        (400, "interaction_required", "auth"),
        (400, "consent_required", "permission"),
        (400, "invalid_scope", "permission"),
        (400, "unsupported_grant_type", "contract"),
        (503, "temporarily_unavailable", "transient"),
        (400, "temporarily_unavailable", "transient"),
        (500, "anything", "transient"),
        (429, "anything", "quota"),
        (404, "anything", "contract"),
    ],
)
async def test_codes_decide(tmp_path: Path, status: int, error: str, kind: str) -> None:
    endpoint = TokenEndpoint()
    endpoint.refuse(status, error, retry_after="120")
    async with endpoint.serving() as url:
        access = Access(settings(url), tmp_path / "t.json")
        with pytest.raises(Retryable) as caught:
            await access.token()
        assert caught.value.kind == kind
        assert caught.value.after == (120 if kind != "contract" or error == "unsupported_grant_type" else None)
        assert "first-refresh-token" not in str(caught.value)
        assert await access.token() == "access-1"


async def test_an_endpoint_that_is_away_is_transient(tmp_path: Path) -> None:
    async with TokenEndpoint().serving() as url:
        pass
    with pytest.raises(Retryable) as caught:
        await Access(settings(url), tmp_path / "t.json").token()
    assert caught.value.kind == "transient"


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"access_token": 5}', b'{"access_token": "a\\r\\nb"}', b'{"access_token": ""}'],
)
def test_what_is_no_token_is_none(body: bytes) -> None:
    with pytest.raises(Retryable) as caught:
        read_answer(200, body)
    assert caught.value.kind == "contract"


def test_a_life_that_is_missing_or_absurd() -> None:
    assert read_answer(200, b'{"access_token": "x"}').life == 3_600
    assert read_answer(200, b'{"access_token": "x", "expires_in": "1200"}').life == 1_200
    assert read_answer(200, b'{"access_token": "x", "expires_in": -5}').life == 3_600
    assert read_answer(200, b'{"access_token": "x", "expires_in": 1}').life == 60
    assert read_answer(200, b'{"access_token": "x", "refresh_token": ""}').refresh_token is None
    assert read_answer(200, b'{"access_token": "x"}').access_token == SecretStr("x")


@pytest.mark.parametrize("url", ["http://login.example/token", "ftp://x", "login.example"])
def test_secrets_are_not_sent_in_the_open(url: str) -> None:
    with pytest.raises(ValueError, match=r"https|URL"):
        settings(url)
