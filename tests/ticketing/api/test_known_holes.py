"""Holes that were found in other desks and their frameworks, each tried here."""

import json
import logging
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import structlog

from bus.logs import configure_logging
from bus.settings import LoggingSettings
from tests.ticketing.api.house import House, changing, key, numbers
from tests.ticketing.mails import mail
from ticketing.api.html_body import DEEPEST, showable, shown
from ticketing.api.limits import LARGEST_BODY, LARGEST_FILE

stack = pytest.mark.stack


@pytest.fixture
def logging_restored() -> Iterator[None]:
    """Logging is the process's; afterwards it is as it was."""
    handlers, level = logging.root.handlers, logging.root.level
    yield
    logging.root.handlers, logging.root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


INJECTED = ["'; DROP TABLE desk.tickets; --", "open' OR '1'='1", "t.id) OR (1=1", "\\%_$$", ":limit {0}", "a\0"]


@stack
@pytest.mark.parametrize("field", ["status", "owner", "category", "tags", "text", "sort", "cursor"])
async def test_injection_in_filters_finds_nothing_and_breaks_nothing(house: House, field: str) -> None:
    async with house.client() as agent:
        for value in INJECTED:
            response = await agent.get("/tickets", params={field: value})
            if response.status_code != 422:
                assert response.status_code == 200, response.text
                assert numbers(response.json()) == []
        assert (await agent.get("/tickets")).status_code == 200


@stack
@pytest.mark.parametrize(
    "more",
    [
        {"contact_id": "x"},
        {"version": 1},
        {"department": "returns"},
        {"status": "closed"},
        {"number": 1},
        {"root_id": "x"},
        {"owner_id": "x"},
    ],
)
async def test_mass_assignment_is_refused(house: House, more: dict[str, object]) -> None:
    ticket = await house.ticket(f"mass-{next(iter(more))}")
    async with house.client() as agent:
        response = await agent.post(
            f"/tickets/{ticket.number}/update", json={"subject": "x", **more}, headers=changing(ticket)
        )
        assert response.status_code == 422
        contact = {"name": "x", **more}
        assert (await agent.post("/contacts", json=contact, headers=key())).status_code == 422
        assert (await agent.get(f"/tickets/{ticket.number}")).json()["version"] == ticket.version


@stack
async def test_foreign_ids_are_unknown_and_not_forbidden(house: House) -> None:
    foreign = await house.ticket("foreign-ids", connector="returns-mail")
    own = await house.ticket("own-ids", connector="sales-mail")
    message = mail("foreign-ids").message_id
    async with house.client() as agent:
        none = await agent.get("/tickets/999999999")
        hidden = await agent.get(f"/tickets/{foreign.number}")
        assert hidden.status_code == none.status_code == 404
        assert hidden.json() | {"detail": ""} == none.json() | {"detail": ""}
        assert (await agent.get(f"/tickets/{foreign.id}")).status_code == 404
        # what belongs to another ticket is not to be had by way of one's own
        assert (await agent.get(f"/tickets/{own.number}/conversation/{message}/text")).status_code == 404
        assert (await agent.get(f"/tickets/{own.number}/attachments/message-{message}-0")).status_code == 404
        for kind, given in {"merge": {"other": foreign.number}, "split": {"messages": [message]}}.items():
            response = await agent.post(f"/tickets/{own.number}/{kind}", json=given, headers=changing(own))
            assert response.status_code in (404, 422), kind
        page = (await agent.get("/tickets", params={"contact": foreign.contact_id})).json()
        assert numbers(page) == []
        assert numbers((await agent.get("/tickets", params={"department": "returns"})).json()) == []


@stack
async def test_a_blobs_digest_gives_nobody_its_bytes(house: House) -> None:
    blob = await house.inside.blobs.put(b"a secret of another department")
    ticket = await house.ticket("digest", connector="sales-mail")
    file = {"name": "a", "media_type": "text/plain", "blob": blob, "size": 30}
    async with house.client() as agent:
        response = await agent.post(
            f"/tickets/{ticket.number}/comment", json={"text": "x", "attachments": [file]}, headers=changing(ticket)
        )
    assert response.status_code == 422


@stack
async def test_tokens_and_texts_stay_out_of_logs_and_errors(
    house: House,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    logging_restored: None,
) -> None:
    configure_logging(LoggingSettings(level="debug", format="json"), "api")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # the client of this test
    token = house.tokens["agent"]
    ticket = await house.ticket("logs")
    path = f"/tickets/{ticket.number}"
    async with house.client() as agent:
        requests = (
            agent.build_request("GET", "/tickets", params={"text": "xyzzy-text", "status": "xyzzy-status"}),
            agent.build_request("POST", f"{path}/comment", content=b'{"text": "xyzzy-body"', headers=changing(ticket)),
            agent.build_request("POST", f"{path}/comment", json={"text": "xyzzy-\0"}, headers=changing(ticket)),
            agent.build_request("POST", f"{path}/update", json={"priority": "xyzzy"}, headers=changing(ticket)),
            agent.build_request("GET", "/tickets", headers={"Authorization": "Bearer xyzzy-token"}),
            agent.build_request("GET", f"/tickets?access_token={token}", headers={"Authorization": ""}),
        )
        said = [(await agent.send(request)).text for request in requests]

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("xyzzy-inside")

    monkeypatch.setattr("ticketing.api.ticket_routes.page", broken)
    transport = httpx.ASGITransport(house.client()._transport.app, raise_app_exceptions=False)  # type: ignore[attr-defined]
    async with httpx.AsyncClient(transport=transport, base_url="http://desk/api/v1") as agent:
        response = await agent.get("/tickets", headers={"Authorization": f"Bearer {token}"})
        assert (response.status_code, response.json()["title"]) == (500, "Something is broken here")
        said.append(response.text)
    assert "xyzzy" not in "".join(said)
    logged = "".join((*capsys.readouterr(), caplog.text))
    assert "api.failed" in logged
    for secret in (token, token.split("_", 2)[2], "xyzzy-text", "xyzzy-body", "xyzzy-token"):
        assert secret not in logged


@stack
@pytest.mark.parametrize(
    "path",
    [
        "/tickets/1/attachments/..%2f..%2f..%2fetc%2fpasswd",
        "/tickets/1/attachments/message-..-0",
        "/tickets/1/attachments/%2e%2e",
        "/tickets/..%2fcontacts",
        "/tickets/1/conversation/..%2f..%2fx/text",
    ],
)
async def test_path_traversal_leads_nowhere(house: House, path: str) -> None:
    async with house.client("admin") as admin:
        assert (await admin.get(path)).status_code in (404, 422)


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='jAvAsCrIpT&colon;alert(1)'>x</a>",
    "<a href=' \tdata:text/html,<script>alert(1)</script>'>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<form action='https://evil.example'><input name=password></form>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href='https://evil.example/'>",
    "<div style='background:url(https://evil.example/x)'>x</div>",
    "<style>@import 'https://evil.example/x.css'</style>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
    "<img srcset='https://evil.example/x 1x'>",
    "<video poster='https://evil.example/x'><source src='https://evil.example/y'></video>",
    "<object data='https://evil.example'></object><embed src='https://evil.example'>",
    "<a href='https://ok.example' target=_blank>x</a>",
    "<p id=x class=y name=z>clobbering</p><img name=body>",
]


@pytest.mark.parametrize("html", HOSTILE)
def test_stored_xss_in_html_bodies_is_gone(html: str) -> None:
    made = shown(html, {}).html.lower()
    # an attribute's value may still say so, as text: what is between < and > decides
    assert "evil.example" not in made
    for bad in (
        "<script",
        "<svg",
        "<iframe",
        "<form",
        "<input",
        "<style",
        "<meta",
        "<base",
        "<object",
        "<embed",
        "<math",
    ):
        assert bad not in made
    for bad in (
        "onerror=",
        "onload=",
        "javascript:",
        "srcdoc",
        "srcset",
        "poster",
        "data:",
        " id=",
        " class=",
        " name=",
    ):
        assert bad not in made.replace("&lt;img src=1 onerror=", "")
    if "<a" in made:
        assert 'rel="noopener noreferrer nofollow"' in made


@pytest.mark.parametrize(
    "opening", ["<div>", "<b><i><u>", "<table><tr><td>", "<span style='x'>", "<DIV\n>", "<div></p>"]
)
def test_html_that_would_take_for_ever_is_shown_as_text(opening: str) -> None:
    began = time.process_time()
    assert not showable(opening * (DEEPEST + 1) * 20)
    assert time.process_time() - began < 5


def test_real_mail_is_not_taken_for_that() -> None:
    table = "<table><tbody><tr><td><p>Hello<br>you<li>one<li>two</td></tr></tbody></table>"
    assert showable(table * 3_000)
    assert shown(table * 3_000, {}).html


@stack
async def test_no_cookie_and_no_other_site_can_ask(house: House) -> None:
    ticket = await house.ticket("csrf")
    async with house.client(None) as browser:
        browser.cookies.set("token", house.tokens["agent"])
        response = await browser.post(
            f"/tickets/{ticket.number}/close", json={}, headers=changing(ticket) | {"Origin": "https://evil.example"}
        )
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer")
        preflight = await browser.options(
            "/tickets", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
        )
    for each in (response, preflight):
        assert "set-cookie" not in each.headers
        assert not [name for name in each.headers if name.startswith("access-control-")]


@stack
async def test_every_answer_carries_the_headers(house: House) -> None:
    async with house.client() as agent, house.client(None) as nobody:
        for response in (
            await agent.get("/tickets"),
            await nobody.get("/tickets"),
            await agent.get("/nowhere"),
            await agent.delete("/tickets"),
        ):
            assert response.headers["x-content-type-options"] == "nosniff"
            assert response.headers["cache-control"] == "no-store"
            assert "default-src 'none'" in response.headers["content-security-policy"]
            if response.status_code >= 400:
                assert response.headers["content-type"] == "application/problem+json"
                assert response.json()["status"] == response.status_code


@stack
async def test_what_is_too_large_is_refused_before_it_is_read(house: House) -> None:
    ticket = await house.ticket("large")

    async def endless(size: int) -> AsyncIterator[bytes]:
        for _ in range(size // 65_536 + 1):
            yield b"x" * 65_536

    async with house.client() as agent:
        path = f"/tickets/{ticket.number}/comment"
        declared = await agent.post(path, content=b"x" * (LARGEST_BODY + 1), headers=changing(ticket))
        streamed = await agent.post(path, content=endless(LARGEST_BODY), headers=changing(ticket))
        file = await agent.post("/uploads", params={"name": "a"}, content=endless(LARGEST_FILE), headers=key())
    assert [each.status_code for each in (declared, streamed, file)] == [413] * 3
    assert {each.json()["type"] for each in (declared, streamed, file)} == {"urn:deskstream:problem:too-large"}


@stack
@pytest.mark.parametrize("text", ["a\u0000b", "\ud800", "\udfff x"])
async def test_letters_that_cannot_be_stored_are_refused(house: House, text: str) -> None:
    ticket = await house.ticket(f"letters-{ord(text[-1])}")
    async with house.client() as agent:
        response = await agent.post(
            f"/tickets/{ticket.number}/comment",
            content=json.dumps({"text": text}),
            headers=changing(ticket) | {"Content-Type": "application/json"},
        )
    assert response.status_code == 422, response.text
