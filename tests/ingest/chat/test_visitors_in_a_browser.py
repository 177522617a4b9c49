"""Who writes in the chat's window: what it asks them for, and whom the site says it is."""

import time
from pathlib import Path

import jwt
from playwright.async_api import Browser, expect
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bus.ops import serving
from tests.ingest.chat.shop import a_shop, a_window, is_sent, open_chat, page_of_a_shop, write
from tests.ingest.forms.visiting import visit

SECRET = "s" * 40


async def test_when_nobody_is_there_the_address_is_asked_for(browser: Browser, tmp_path: Path) -> None:
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    rig = a_window(tmp_path, ask=["name"], hours={day: [] for day in days})
    async with rig.running(), a_shop(rig) as site, visit(browser, site) as page:
        await open_chat(page)
        await expect(page.locator(".notice")).to_contain_text("Nobody is here right now.")
        await write(page, "My order is late")
        await is_sent(page, "My order is late")
        address = page.get_by_label("Where can we send the answer")
        await address.fill("not an address")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("alert")).to_contain_text("This is not an email address")
        await address.fill("ana@customer.example")
        await page.get_by_role("button", name="Save").click()
        await is_sent(page, "ana@customer.example")
        assert not await address.is_visible()
        last = list((await rig.messages()).values())[-1].message
        assert [each.address for each in last.reply_to] == ["ana@customer.example"]


async def test_when_nobody_answers_the_address_is_asked_for(browser: Browser, tmp_path: Path) -> None:
    async with (
        a_window(tmp_path, ask=[], ask_email_after=0.2).running() as rig,
        a_shop(rig) as site,
        visit(browser, site) as page,
    ):
        await open_chat(page)
        await write(page, "Hello?")
        await expect(page.get_by_label("Where can we send the answer")).to_be_visible()
        await rig.answers("Hello!", to=await rig.conversation(), reply_id="reply-0001")
        await expect(page.get_by_label("Where can we send the answer")).to_be_hidden()


async def test_what_must_be_given_is_asked_for_first(browser: Browser, tmp_path: Path) -> None:
    async with (
        a_window(tmp_path, required=["email"]).running() as rig,
        a_shop(rig) as site,
        visit(browser, site) as page,
    ):
        await open_chat(page)
        await write(page, "Hello")
        await expect(page.get_by_role("alert")).to_have_text("Please fill in this field.")
        await expect(page.get_by_label("Email address")).to_be_focused()
        assert not rig.raw
        await page.get_by_label("Email address").fill("ana@customer.example")
        await page.get_by_role("button", name="Send", exact=True).click()
        await is_sent(page, "Hello")


async def test_who_is_logged_in_no_more_is_asked_for_the_address(browser: Browser, tmp_path: Path) -> None:
    token = jwt.encode({"email": "ana@customer.example", "exp": time.time() - 3_600}, SECRET, algorithm="HS256")
    rig = a_window(tmp_path, identity_secret=SECRET)
    async with rig.running(), a_shop(rig, f'data-identity="{token}"') as site, visit(browser, site) as page:
        await open_chat(page)
        await page.get_by_label("Email address").fill("ana@customer.example")
        await write(page, "My session has run out")
        await is_sent(page, "My session has run out")
        (found,) = (await rig.messages()).values()
        assert (found.message.author.kind, found.message.reply_to[0].address) == ("chat", "ana@customer.example")


async def test_who_is_logged_in_has_a_conversation_of_their_own(browser: Browser, tmp_path: Path) -> None:
    claims = {"email": "ana@customer.example", "exp": time.time() + 600}
    token = jwt.encode(claims, SECRET, algorithm="HS256")
    logged_in = True

    async def shop(_: object) -> Response:
        return HTMLResponse(page_of_a_shop(rig.base, f'data-identity="{token}"' if logged_in else ""))

    rig = a_window(tmp_path, identity_secret=SECRET)
    async with (
        rig.running(),
        serving(Starlette(routes=[Route("/", shop)]), "127.0.0.1", 0) as port,
        visit(browser, f"http://127.0.0.1:{port}/") as page,
    ):
        await open_chat(page)
        await write(page, "It is me")
        await is_sent(page, "It is me")
        await page.reload()
        await open_chat(page)
        await write(page, "Again")
        await is_sent(page, "Again")
        authors = {each.message.author.address for each in (await rig.messages()).values()}
        assert authors == {"ana@customer.example"}
        assert token not in "".join(raw.to_json().decode() for raw in rig.raw)
        # logged out, on the same page's storage: nothing of it is shown
        logged_in = False
        await page.reload()
        await open_chat(page)
        await expect(page.locator("li.mine")).to_have_count(0)
