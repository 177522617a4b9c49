"""The chat's window on somebody else's page, in a real browser."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import jwt
import pytest
from playwright.async_api import Browser, FilePayload, Page, expect
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bus.memory import MemoryBus
from bus.ops import serving
from bus.raw import RawMessage
from bus.record import Position
from tests.ingest.chat.line import Line
from tests.ingest.chat.visiting import ChatRig
from tests.ingest.forms.visiting import Gate, somebody_elses_site, visit
from tests.ingest.intake.rig import NAME
from tests.ingest.memory_replies import shown

SECRET = "s" * 40


def _page(base: str, attributes: str = "", *, style: str = "") -> str:
    return (
        f"<!DOCTYPE html><html lang=en><title>Shop</title><style>{style}</style><h1>Shop</h1>"
        f'<script async src="{base}/in/{NAME}/chat.js" {attributes}></script></html>'
    )


def _window(folder: Path, *, bus: MemoryBus | None = None, **settings: Any) -> ChatRig:  # noqa: ANN401
    return ChatRig.window(folder, bus=bus, **({"allowed_origins": ["*"]} | settings))


@contextlib.asynccontextmanager
async def _shop(rig: ChatRig, attributes: str = "", *, base: str = "", style: str = "") -> AsyncIterator[str]:
    async with somebody_elses_site(_page(base or rig.base, attributes, style=style)) as site:
        yield site


async def _open(page: Page, name: str = "Chat") -> None:
    await page.get_by_role("button", name=name, exact=True).click()
    await expect(page.get_by_role("dialog")).to_be_visible()


async def _write(page: Page, text: str, *, send: str = "Send") -> None:
    await page.locator("#text").fill(text)
    await page.get_by_role("button", name=send, exact=True).click()


def _mine(page: Page, text: str) -> Any:  # noqa: ANN401  # a locator
    return page.locator("li.mine", has_text=text)


async def _sent(page: Page, text: str, state: str = "Sent") -> None:
    await expect(_mine(page, text).locator(".state")).to_have_text(state, timeout=60_000)


async def _until(rig: ChatRig, texts: Sequence[str]) -> None:
    async with asyncio.timeout(60):
        while await rig.texts() != list(texts):  # the bus in memory has no event for it
            await asyncio.sleep(0.02)


async def test_write_upload_send_and_be_answered(browser: Browser, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 300_000)
    async with (
        _window(tmp_path).running() as rig,
        _shop(rig, style="* { color: red !important; font-size: 70px }") as site,
        visit(browser, site) as page,
    ):
        await _open(page)
        await expect(page.get_by_label("Your name")).to_be_focused()
        await page.get_by_label("Your name").fill("Ana")
        await page.get_by_label("Email address").fill("ana@customer.example")
        await page.set_input_files("#file", photo)
        await expect(page.locator(".chips li")).to_contain_text("photo.png")
        await page.locator("#text").fill("My lamp is broken, see https://shop.example/lamp.")
        assert await page.locator("#text").evaluate("(e) => getComputedStyle(e).fontSize") == "16px"
        await page.locator("#text").press("Enter")
        await _sent(page, "My lamp is broken")
        (found,) = (await rig.messages()).values()
        message = found.message
        assert message.text == "My lamp is broken, see https://shop.example/lamp."
        assert (message.author.name, [each.address for each in message.reply_to]) == ("Ana", ["ana@customer.example"])
        assert [(file.name, file.media_type, file.size) for file in message.attachments] == [
            ("photo.png", "image/png", 300_008)
        ]
        assert message.fields
        assert message.fields["page"] == site
        link = _mine(page, "My lamp").get_by_role("link")
        assert await link.get_attribute("href") == "https://shop.example/lamp"
        assert not await page.get_by_label("Your name").is_visible()

        await rig.answers("<b>Which</b> lamp?\nThe blue one?", to=await rig.conversation(), reply_id="reply-0001", from_name="Tom")  # fmt: skip # noqa: E501
        theirs = page.locator("li.theirs")
        await expect(theirs.locator(".text")).to_have_text("<b>Which</b> lamp?\nThe blue one?")
        await expect(theirs.locator(".from")).to_contain_text("Tom")
        async with asyncio.timeout(30):
            while shown(rig.bus) != ["reply-0001"]:
                await asyncio.sleep(0.02)
        token = await page.evaluate(
            "JSON.parse(localStorage.getItem(Object.keys(localStorage).find((k) => k.startsWith('deskstream')))).token"
        )
        assert len(token) >= 43
        assert token not in "".join(raw.to_json().decode() for raw in rig.raw)


async def test_a_double_click_sends_once_and_a_reload_in_mid_send_goes_on(browser: Browser, tmp_path: Path) -> None:
    async with _window(tmp_path).running() as rig, _shop(rig) as site, visit(browser, site) as page:
        await _open(page)
        gate = Gate(rig)
        await page.locator("#text").fill("Hello")
        await page.get_by_role("button", name="Send", exact=True).dblclick()
        async with asyncio.timeout(30):
            await gate.entered.wait()
        await _sent(page, "Hello", "Sending …")
        await _write(page, "Is anybody there?")
        await page.reload()
        gate.open.set()
        await page.get_by_role("button", name="Chat", exact=True).wait_for()
        await _open(page)
        await _sent(page, "Hello")
        await _sent(page, "Is anybody there?")
        assert await rig.texts() == ["Hello", "Is anybody there?"]


async def test_what_is_not_sent_yet_is_still_there_after_a_reload(browser: Browser, tmp_path: Path) -> None:
    async with _window(tmp_path).running() as rig, _shop(rig) as site, visit(browser, site) as page:
        await _open(page)
        await page.locator("#text").fill("I was just about to")
        await page.set_input_files("#file", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"abc"})
        await expect(page.locator(".chips li")).not_to_contain_text("%")
        await page.reload()
        await _open(page)
        await expect(page.locator("#text")).to_have_value("I was just about to")
        await page.get_by_role("button", name="Send", exact=True).click()
        await _sent(page, "I was just about to")
        (found,) = (await rig.messages()).values()
        assert [file.size for file in found.message.attachments] == [3]


@pytest.mark.parametrize("web_sockets", [True, False])
async def test_the_line_goes_and_the_connector_restarts_in_the_middle(
    browser: Browser, tmp_path: Path, web_sockets: bool
) -> None:
    bus = MemoryBus()
    async with (
        Line().running() as line,
        somebody_elses_site(_page(line.base)) as site,
        visit(browser) as page,
    ):
        if not web_sockets:
            await page.add_init_script("delete window.WebSocket")
        async with _window(tmp_path, bus=bus).running() as rig:
            line.to = rig.base
            await page.goto(site)
            await _open(page)
            await _write(page, "One")
            await _sent(page, "One")
            session = await rig.conversation()
            line.cut()
            await _write(page, "Two")
            await _write(page, "Three")
            await _sent(page, "Three", "Sending …")
            await expect(page.locator(".status")).to_contain_text("There is no connection.")
        async with _window(tmp_path, bus=bus).running() as later:
            await later.answers("While you were away", to=session, reply_id="reply-0001")
            line.to = later.base
            await _sent(page, "Three")
            await expect(page.locator("li.theirs .text")).to_have_text("While you were away")
            await expect(page.locator(".status")).to_have_text("")
            assert await later.texts() == ["One", "Two", "Three"]
            assert await later.conversation() == session


async def test_where_no_web_socket_goes_through(browser: Browser, tmp_path: Path) -> None:
    async with _window(tmp_path).running() as rig, _shop(rig) as site, visit(browser) as page:

        async def refuse(socket: Any) -> None:  # noqa: ANN401  # playwright's WebSocketRoute
            await socket.close(code=1011)

        await page.route_web_socket(re.compile(".*/socket"), refuse)
        await page.goto(site)
        await _open(page)
        await _write(page, "One")
        await _write(page, "Two")
        await _sent(page, "Two")
        assert await rig.texts() == ["One", "Two"]
        await rig.answers("Yes?", to=await rig.conversation(), reply_id="reply-0001")
        await expect(page.locator("li.theirs .text")).to_have_text("Yes?")
        await rig.answers("Still there?", to=await rig.conversation(), reply_id="reply-0002")
        await expect(page.locator("li.theirs")).to_have_count(2)
        await page.reload()
        await _open(page)
        await _write(page, "Three")
        await _sent(page, "Three")
        await expect(page.locator("li.theirs")).to_have_count(2)
        async with asyncio.timeout(30):
            while len(shown(rig.bus)) < 2:
                await asyncio.sleep(0.02)
        assert await rig.texts() == ["One", "Two", "Three"]


async def test_two_visitors_at_once_each_have_their_own(browser: Browser, tmp_path: Path) -> None:
    async with (
        _window(tmp_path).running() as rig,
        _shop(rig) as site,
        visit(browser, site) as ana,
        visit(browser, site) as bob,
    ):
        for page, text in ((ana, "I am Ana"), (bob, "I am Bob")):
            await _open(page)
            await _write(page, text)
            await _sent(page, text)
        for found in list((await rig.messages()).values()):
            text = str(found.message.text)
            session = found.message.refs[0].value
            await rig.answers(f"Hello, {text[5:]}", to=session, reply_id=f"reply-{text[5:]}")
        await expect(ana.locator("li.theirs .text")).to_have_text(["Hello, Ana"])
        await expect(bob.locator("li.theirs .text")).to_have_text(["Hello, Bob"])


async def test_two_tabs_share_a_conversation(browser: Browser, tmp_path: Path) -> None:
    async with _window(tmp_path).running() as rig, _shop(rig) as site, visit(browser, site) as page:
        await _open(page)
        await _write(page, "From the first")
        await _sent(page, "From the first")
        other = await page.context.new_page()
        await other.goto(site)
        await _open(other)
        await _sent(other, "From the first")
        await _write(other, "From the second")
        await _sent(other, "From the second")
        await _sent(page, "From the second")
        await rig.answers("To both", to=await rig.conversation(), reply_id="reply-0001")
        for each in (page, other):
            await expect(each.locator("li.theirs .text")).to_have_text("To both")
        assert await rig.texts() == ["From the first", "From the second"]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ja", ("チャット", "送信", "送信済み", "東京は雨です。傘はありますか？")),
        ("fr", ("Discuter", "Envoyer", "Envoyé", "Où est ma commande ? Ça n’arrive pas…")),
    ],
)
async def test_in_other_languages(browser: Browser, tmp_path: Path, language: str, words: tuple[str, ...]) -> None:
    launcher, send, sent, text = words
    rig = _window(tmp_path, greeting={"en": "Hi", "ja": "いらっしゃいませ", "fr": "Soyez le bienvenu"})
    async with rig.running(), _shop(rig, f'data-language="{language}"') as site, visit(browser, site) as page:
        await _open(page, launcher)
        await expect(page.locator(".greeting")).to_have_text(
            {"ja": "いらっしゃいませ", "fr": "Soyez le bienvenu"}[language]
        )
        await _write(page, text, send=send)
        await _sent(page, text, sent)
        (found,) = (await rig.messages()).values()
        assert (found.message.text, found.message.language, found.message.declared_language) == (
            text, language, language,
        )  # fmt: skip
        # Enter that ends the writing of a word is not the one that sends
        await page.locator("#text").fill("とうきょう")
        await page.locator("#text").dispatch_event("keydown", {"key": "Enter", "isComposing": True})
        assert await page.locator("#text").input_value() == "とうきょう"


async def test_the_keyboard_is_enough(browser: Browser, tmp_path: Path) -> None:
    async with _window(tmp_path, ask=[]).running() as rig, _shop(rig) as site, visit(browser, site) as page:
        launcher = page.get_by_role("button", name="Chat", exact=True)
        await launcher.focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("#text")).to_be_focused()
        await page.keyboard.type("First line")
        await page.keyboard.press("Shift+Enter")
        await page.keyboard.type("second")
        await page.keyboard.press("Enter")
        await _sent(page, "First line")
        assert await rig.texts() == ["First line\nsecond"]
        await page.keyboard.press("Escape")
        await expect(launcher).to_be_focused()
        assert await launcher.get_attribute("aria-expanded") == "false"
        # what comes while it is closed has not been seen; the button says so
        await rig.answers("Here I am", to=await rig.conversation(), reply_id="reply-0001")
        await expect(page.get_by_role("button", name="Chat: 1 new")).to_be_visible()
        assert shown(rig.bus) == []
        await page.keyboard.press("Enter")
        log = page.get_by_role("log")
        await expect(log).to_contain_text("Here I am")
        assert await log.get_attribute("aria-live") == "polite"
        await expect(page.get_by_role("button", name="Chat", exact=True)).to_be_visible()
        async with asyncio.timeout(30):
            while shown(rig.bus) != ["reply-0001"]:
                await asyncio.sleep(0.02)
        for field in await page.locator("input:visible, textarea:visible, button:visible").all():
            name = await field.evaluate(
                "(e) => e.getAttribute('aria-label') || e.textContent.trim() || (e.labels && e.labels[0]?.textContent)"
            )
            assert name


async def test_when_nobody_is_there_the_address_is_asked_for(browser: Browser, tmp_path: Path) -> None:
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    rig = _window(tmp_path, ask=["name"], hours={day: [] for day in days})
    async with rig.running(), _shop(rig) as site, visit(browser, site) as page:
        await _open(page)
        await expect(page.locator(".notice")).to_contain_text("Nobody is here right now.")
        await _write(page, "My order is late")
        await _sent(page, "My order is late")
        address = page.get_by_label("Where can we send the answer")
        await address.fill("not an address")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("alert")).to_contain_text("This is not an email address")
        await address.fill("ana@customer.example")
        await page.get_by_role("button", name="Save").click()
        await _sent(page, "ana@customer.example")
        assert not await address.is_visible()
        last = list((await rig.messages()).values())[-1].message
        assert [each.address for each in last.reply_to] == ["ana@customer.example"]


async def test_when_nobody_answers_the_address_is_asked_for(browser: Browser, tmp_path: Path) -> None:
    async with (
        _window(tmp_path, ask=[], ask_email_after=0.2).running() as rig,
        _shop(rig) as site,
        visit(browser, site) as page,
    ):
        await _open(page)
        await _write(page, "Hello?")
        await expect(page.get_by_label("Where can we send the answer")).to_be_visible()
        await rig.answers("Hello!", to=await rig.conversation(), reply_id="reply-0001")
        await expect(page.get_by_label("Where can we send the answer")).to_be_hidden()


async def test_what_must_be_given_is_asked_for_first(browser: Browser, tmp_path: Path) -> None:
    async with (
        _window(tmp_path, required=["email"]).running() as rig,
        _shop(rig) as site,
        visit(browser, site) as page,
    ):
        await _open(page)
        await _write(page, "Hello")
        await expect(page.get_by_role("alert")).to_have_text("Please fill in this field.")
        await expect(page.get_by_label("Email address")).to_be_focused()
        assert not rig.raw
        await page.get_by_label("Email address").fill("ana@customer.example")
        await page.get_by_role("button", name="Send", exact=True).click()
        await _sent(page, "Hello")


async def test_ending_it_saying_how_it_was_and_beginning_anew(browser: Browser, tmp_path: Path) -> None:
    async with _window(tmp_path, ask=["name"]).running() as rig, _shop(rig) as site, visit(browser, site) as page:
        await _open(page)
        await page.get_by_label("Your name").fill("Ana")
        await _write(page, "Thank you")
        await _sent(page, "Thank you")
        first = await rig.conversation()
        await page.get_by_role("button", name="End chat").click()
        await page.get_by_label("Good", exact=True).check()
        await page.get_by_label("Anything you want to tell us?").fill("Quick")
        await page.get_by_role("button", name="Send rating").click()
        await expect(page.locator(".status")).to_have_text("Thank you!")
        await _until(rig, ["Thank you", "Quick"])
        rating = list((await rig.messages()).values())[-1].message
        assert rating.fields == {"rating": "good"}
        async with asyncio.timeout(30):
            while rig.place.live._listening:  # it is over: nobody listens any more
                await asyncio.sleep(0.02)
        await page.reload()
        await _open(page)
        await expect(page.locator(".status")).to_have_text("Thank you!")
        await expect(page.locator("#text")).to_be_hidden()
        await page.get_by_role("button", name="Start a new conversation").click()
        await expect(page.locator("li.mine")).to_have_count(0)
        await _write(page, "Something else")
        await _sent(page, "Something else")
        assert await rig.conversation_of("Something else") != first
        assert {each.message.author.name for each in (await rig.messages()).values()} == {"Ana", None}


async def test_two_tabs_begin_anew_together(browser: Browser, tmp_path: Path) -> None:
    async with (
        _window(tmp_path, ask=[], ask_rating=False).running() as rig,
        _shop(rig) as site,
        visit(browser, site) as page,
    ):
        await _open(page)
        await _write(page, "One")
        await _sent(page, "One")
        first = await rig.conversation()
        other = await page.context.new_page()
        await other.goto(site)
        await _open(other)
        await _sent(other, "One")
        await page.get_by_role("button", name="End chat").click()
        await page.get_by_role("button", name="Start a new conversation").click()
        await expect(other.locator("li.mine")).to_have_count(0)
        await _write(page, "Two")
        await _sent(other, "Two")
        await rig.answers("To the old one", to=first, reply_id="reply-0001")
        second = await rig.conversation_of("Two")
        assert second != first
        await rig.answers("To the new one", to=second, reply_id="reply-0002")
        for each in (page, other):
            await expect(each.locator("li.theirs .text")).to_have_text(["To the new one"])


async def test_who_is_logged_in_no_more_is_asked_for_the_address(browser: Browser, tmp_path: Path) -> None:
    token = jwt.encode({"email": "ana@customer.example", "exp": time.time() - 3_600}, SECRET, algorithm="HS256")
    rig = _window(tmp_path, identity_secret=SECRET)
    async with rig.running(), _shop(rig, f'data-identity="{token}"') as site, visit(browser, site) as page:
        await _open(page)
        await page.get_by_label("Email address").fill("ana@customer.example")
        await _write(page, "My session has run out")
        await _sent(page, "My session has run out")
        (found,) = (await rig.messages()).values()
        assert (found.message.author.kind, found.message.reply_to[0].address) == ("chat", "ana@customer.example")


async def test_limits_are_said(browser: Browser, tmp_path: Path) -> None:
    async with (
        _window(tmp_path, max_files=1, max_file_bytes=1_024, ask=[]).running() as rig,
        _shop(rig) as site,
        visit(browser, site) as page,
    ):
        await _open(page)
        await page.set_input_files("#file", {"name": "big.bin", "mimeType": "", "buffer": b"x" * 2_000})
        await expect(page.get_by_role("alert")).to_have_text("The file is too large, at most 1 KB.")
        small: FilePayload = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"x"}
        await page.set_input_files("#file", [small, small])
        await expect(page.get_by_role("alert")).to_have_text("At most 1 files.")
        await page.get_by_role("button", name="Remove a.txt").click()
        await expect(page.locator(".chips li")).to_have_count(0)
        await page.locator("#text").fill("\u0001" * 3_900)  # six bytes each, as JSON has them
        await page.locator("#text").press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("This is too long for one message.")
        await expect(page.locator("li.mine")).to_have_count(0)
        for n in range(12):
            await page.locator("#text").fill(f"quick {n}")
            await page.locator("#text").press("Enter")
        await _sent(page, "quick 11")
        assert await rig.texts() == [f"quick {n}" for n in range(12)]


async def test_who_is_logged_in_has_a_conversation_of_their_own(browser: Browser, tmp_path: Path) -> None:
    claims = {"email": "ana@customer.example", "exp": time.time() + 600}
    token = jwt.encode(claims, SECRET, algorithm="HS256")
    logged_in = True

    async def shop(_: object) -> Response:
        return HTMLResponse(_page(rig.base, f'data-identity="{token}"' if logged_in else ""))

    rig = _window(tmp_path, identity_secret=SECRET)
    async with (
        rig.running(),
        serving(Starlette(routes=[Route("/", shop)]), "127.0.0.1", 0) as port,
        visit(browser, f"http://127.0.0.1:{port}/") as page,
    ):
        await _open(page)
        await _write(page, "It is me")
        await _sent(page, "It is me")
        await page.reload()
        await _open(page)
        await _write(page, "Again")
        await _sent(page, "Again")
        authors = {each.message.author.address for each in (await rig.messages()).values()}
        assert authors == {"ana@customer.example"}
        assert token not in "".join(raw.to_json().decode() for raw in rig.raw)
        # logged out, on the same page's storage: nothing of it is shown
        logged_in = False
        await page.reload()
        await _open(page)
        await expect(page.locator("li.mine")).to_have_count(0)


async def test_under_a_strict_policy_of_the_site(browser: Browser, tmp_path: Path) -> None:
    async with _window(tmp_path).running() as rig:
        policy = (
            f"default-src 'none'; script-src {rig.base}; connect-src {rig.base} {rig.base.replace('http', 'ws')}; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        )
        html = _page(rig.base).replace("<style></style>", "")
        async with (
            somebody_elses_site(html, {"content-security-policy": policy}) as site,
            visit(browser, site) as page,
        ):
            await _open(page)
            await _write(page, "Hello")
            await _sent(page, "Hello")


async def test_where_nothing_can_be_kept_it_works_as_long_as_the_page(browser: Browser, tmp_path: Path) -> None:
    async with _window(tmp_path).running() as rig, _shop(rig) as site, visit(browser) as page:
        await page.add_init_script(
            "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('', 'SecurityError'); } })"
        )
        await page.goto(site)
        await _open(page)
        await _write(page, "One")
        await _write(page, "Two")
        await _sent(page, "Two")
        assert await rig.texts() == ["One", "Two"]


async def test_kafka_away_for_a_while(browser: Browser, tmp_path: Path) -> None:
    async with _window(tmp_path).running() as rig, _shop(rig) as site, visit(browser, site) as page:
        await _open(page)
        emit = rig.emit
        tried = asyncio.Event()

        async def away(*raw: RawMessage) -> Sequence[Position]:
            tried.set()
            rig.bus.reachable = False
            try:
                return await emit(*raw)
            finally:
                rig.bus.reachable = True

        rig.emit = away
        await _write(page, "Patience")
        async with asyncio.timeout(30):
            await tried.wait()
        rig.emit = emit
        await _sent(page, "Patience")
        assert await rig.texts() == ["Patience"]


async def test_the_script_is_small(tmp_path: Path) -> None:
    async with _window(tmp_path).running() as rig:
        answer = await rig.ask(f"/in/{NAME}/chat.js", b"", method="GET")
    assert 10 * 1024 < len(answer.body) < 30 * 1024
