"""The chat's window when its line, its page or Kafka goes: nothing is lost or said twice."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from bus.memory import MemoryBus
from bus.raw import RawMessage
from bus.record import Position
from tests.ingest.chat.line import Line
from tests.ingest.chat.shop import a_shop, a_window, is_sent, open_chat, page_of_a_shop, write
from tests.ingest.forms.visiting import Gate, somebody_elses_site, visit
from tests.ingest.memory_replies import shown


async def test_a_double_click_sends_once_and_a_reload_in_mid_send_goes_on(browser: Browser, tmp_path: Path) -> None:
    async with a_window(tmp_path).running() as rig, a_shop(rig) as site, visit(browser, site) as page:
        await open_chat(page)
        gate = Gate(rig)
        await page.locator("#text").fill("Hello")
        await page.get_by_role("button", name="Send", exact=True).dblclick()
        async with asyncio.timeout(30):
            await gate.entered.wait()
        await is_sent(page, "Hello", "Sending …")
        await write(page, "Is anybody there?")
        await page.reload()
        gate.open.set()
        await page.get_by_role("button", name="Chat", exact=True).wait_for()
        await open_chat(page)
        await is_sent(page, "Hello")
        await is_sent(page, "Is anybody there?")
        assert await rig.texts() == ["Hello", "Is anybody there?"]


async def test_what_is_not_sent_yet_is_still_there_after_a_reload(browser: Browser, tmp_path: Path) -> None:
    async with a_window(tmp_path).running() as rig, a_shop(rig) as site, visit(browser, site) as page:
        await open_chat(page)
        await page.locator("#text").fill("I was just about to")
        await page.set_input_files("#file", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"abc"})
        await expect(page.locator(".chips li")).not_to_contain_text("%")
        await page.reload()
        await open_chat(page)
        await expect(page.locator("#text")).to_have_value("I was just about to")
        await page.get_by_role("button", name="Send", exact=True).click()
        await is_sent(page, "I was just about to")
        (found,) = (await rig.messages()).values()
        assert [file.size for file in found.message.attachments] == [3]


@pytest.mark.parametrize("web_sockets", [True, False])
async def test_the_line_goes_and_the_connector_restarts_in_the_middle(
    browser: Browser, tmp_path: Path, web_sockets: bool
) -> None:
    bus = MemoryBus()
    async with (
        Line().running() as line,
        somebody_elses_site(page_of_a_shop(line.base)) as site,
        visit(browser) as page,
    ):
        if not web_sockets:
            await page.add_init_script("delete window.WebSocket")
        async with a_window(tmp_path, bus=bus).running() as rig:
            line.to = rig.base
            await page.goto(site)
            await open_chat(page)
            await write(page, "One")
            await is_sent(page, "One")
            session = await rig.conversation()
            line.cut()
            await write(page, "Two")
            await write(page, "Three")
            await is_sent(page, "Three", "Sending …")
            await expect(page.locator(".status")).to_contain_text("There is no connection.")
        async with a_window(tmp_path, bus=bus).running() as later:
            await later.answers("While you were away", to=session, reply_id="reply-0001")
            line.to = later.base
            await is_sent(page, "Three")
            await expect(page.locator("li.theirs .text")).to_have_text("While you were away")
            await expect(page.locator(".status")).to_have_text("")
            assert await later.texts() == ["One", "Two", "Three"]
            assert await later.conversation() == session


async def test_where_no_web_socket_goes_through(browser: Browser, tmp_path: Path) -> None:
    async with a_window(tmp_path).running() as rig, a_shop(rig) as site, visit(browser) as page:

        async def refuse(socket: Any) -> None:  # noqa: ANN401  # playwright's WebSocketRoute
            await socket.close(code=1011)

        await page.route_web_socket(re.compile(".*/socket"), refuse)
        await page.goto(site)
        await open_chat(page)
        await write(page, "One")
        await write(page, "Two")
        await is_sent(page, "Two")
        assert await rig.texts() == ["One", "Two"]
        await rig.answers("Yes?", to=await rig.conversation(), reply_id="reply-0001")
        await expect(page.locator("li.theirs .text")).to_have_text("Yes?")
        await rig.answers("Still there?", to=await rig.conversation(), reply_id="reply-0002")
        await expect(page.locator("li.theirs")).to_have_count(2)
        await page.reload()
        await open_chat(page)
        await write(page, "Three")
        await is_sent(page, "Three")
        await expect(page.locator("li.theirs")).to_have_count(2)
        async with asyncio.timeout(30):
            while len(shown(rig.bus)) < 2:
                await asyncio.sleep(0.02)
        assert await rig.texts() == ["One", "Two", "Three"]


async def test_where_nothing_can_be_kept_it_works_as_long_as_the_page(browser: Browser, tmp_path: Path) -> None:
    async with a_window(tmp_path).running() as rig, a_shop(rig) as site, visit(browser) as page:
        await page.add_init_script(
            "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('', 'SecurityError'); } })"
        )
        await page.goto(site)
        await open_chat(page)
        await write(page, "One")
        await write(page, "Two")
        await is_sent(page, "Two")
        assert await rig.texts() == ["One", "Two"]


async def test_kafka_away_for_a_while(browser: Browser, tmp_path: Path) -> None:
    async with a_window(tmp_path).running() as rig, a_shop(rig) as site, visit(browser, site) as page:
        await open_chat(page)
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
        await write(page, "Patience")
        async with asyncio.timeout(30):
            await tried.wait()
        rig.emit = emit
        await is_sent(page, "Patience")
        assert await rig.texts() == ["Patience"]
