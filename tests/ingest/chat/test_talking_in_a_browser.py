"""Conversations in the chat's window, from the first word and file to the rating, in one tab or more."""

import asyncio
from pathlib import Path

from playwright.async_api import Browser, FilePayload, expect

from tests.ingest.chat.shop import a_shop, a_window, is_sent, mine, open_chat, until_taken, write
from tests.ingest.forms.visiting import visit
from tests.ingest.memory_replies import shown


async def test_write_upload_send_and_be_answered(browser: Browser, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 300_000)
    async with (
        a_window(tmp_path).running() as rig,
        a_shop(rig, style="* { color: red !important; font-size: 70px }") as site,
        visit(browser, site) as page,
    ):
        await open_chat(page)
        await expect(page.get_by_label("Your name")).to_be_focused()
        await page.get_by_label("Your name").fill("Ana")
        await page.get_by_label("Email address").fill("ana@customer.example")
        await page.set_input_files("#file", photo)
        await expect(page.locator(".chips li")).to_contain_text("photo.png")
        await page.locator("#text").fill("My lamp is broken, see https://shop.example/lamp.")
        assert await page.locator("#text").evaluate("(e) => getComputedStyle(e).fontSize") == "16px"
        await page.locator("#text").press("Enter")
        await is_sent(page, "My lamp is broken")
        (found,) = (await rig.messages()).values()
        message = found.message
        assert message.text == "My lamp is broken, see https://shop.example/lamp."
        assert (message.author.name, [each.address for each in message.reply_to]) == ("Ana", ["ana@customer.example"])
        assert [(file.name, file.media_type, file.size) for file in message.attachments] == [
            ("photo.png", "image/png", 300_008)
        ]
        assert message.fields
        assert message.fields["page"] == site
        link = mine(page, "My lamp").get_by_role("link")
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


async def test_two_visitors_at_once_each_have_their_own(browser: Browser, tmp_path: Path) -> None:
    async with (
        a_window(tmp_path).running() as rig,
        a_shop(rig) as site,
        visit(browser, site) as ana,
        visit(browser, site) as bob,
    ):
        for page, text in ((ana, "I am Ana"), (bob, "I am Bob")):
            await open_chat(page)
            await write(page, text)
            await is_sent(page, text)
        for found in list((await rig.messages()).values()):
            text = str(found.message.text)
            session = found.message.refs[0].value
            await rig.answers(f"Hello, {text[5:]}", to=session, reply_id=f"reply-{text[5:]}")
        await expect(ana.locator("li.theirs .text")).to_have_text(["Hello, Ana"])
        await expect(bob.locator("li.theirs .text")).to_have_text(["Hello, Bob"])


async def test_two_tabs_share_a_conversation(browser: Browser, tmp_path: Path) -> None:
    async with a_window(tmp_path).running() as rig, a_shop(rig) as site, visit(browser, site) as page:
        await open_chat(page)
        await write(page, "From the first")
        await is_sent(page, "From the first")
        other = await page.context.new_page()
        await other.goto(site)
        await open_chat(other)
        await is_sent(other, "From the first")
        await write(other, "From the second")
        await is_sent(other, "From the second")
        await is_sent(page, "From the second")
        await rig.answers("To both", to=await rig.conversation(), reply_id="reply-0001")
        for each in (page, other):
            await expect(each.locator("li.theirs .text")).to_have_text("To both")
        assert await rig.texts() == ["From the first", "From the second"]


async def test_ending_it_saying_how_it_was_and_beginning_anew(browser: Browser, tmp_path: Path) -> None:
    async with a_window(tmp_path, ask=["name"]).running() as rig, a_shop(rig) as site, visit(browser, site) as page:
        await open_chat(page)
        await page.get_by_label("Your name").fill("Ana")
        await write(page, "Thank you")
        await is_sent(page, "Thank you")
        first = await rig.conversation()
        await page.get_by_role("button", name="End chat").click()
        await page.get_by_label("Good", exact=True).check()
        await page.get_by_label("Anything you want to tell us?").fill("Quick")
        await page.get_by_role("button", name="Send rating").click()
        await expect(page.locator(".status")).to_have_text("Thank you!")
        await until_taken(rig, ["Thank you", "Quick"])
        rating = list((await rig.messages()).values())[-1].message
        assert rating.fields == {"rating": "good"}
        async with asyncio.timeout(30):
            while rig.place.live._listening:  # it is over: nobody listens any more
                await asyncio.sleep(0.02)
        await page.reload()
        await open_chat(page)
        await expect(page.locator(".status")).to_have_text("Thank you!")
        await expect(page.locator("#text")).to_be_hidden()
        await page.get_by_role("button", name="Start a new conversation").click()
        await expect(page.locator("li.mine")).to_have_count(0)
        await write(page, "Something else")
        await is_sent(page, "Something else")
        assert await rig.conversation_of("Something else") != first
        assert {each.message.author.name for each in (await rig.messages()).values()} == {"Ana", None}


async def test_two_tabs_begin_anew_together(browser: Browser, tmp_path: Path) -> None:
    async with (
        a_window(tmp_path, ask=[], ask_rating=False).running() as rig,
        a_shop(rig) as site,
        visit(browser, site) as page,
    ):
        await open_chat(page)
        await write(page, "One")
        await is_sent(page, "One")
        first = await rig.conversation()
        other = await page.context.new_page()
        await other.goto(site)
        await open_chat(other)
        await is_sent(other, "One")
        await page.get_by_role("button", name="End chat").click()
        await page.get_by_role("button", name="Start a new conversation").click()
        await expect(other.locator("li.mine")).to_have_count(0)
        await write(page, "Two")
        await is_sent(other, "Two")
        await rig.answers("To the old one", to=first, reply_id="reply-0001")
        second = await rig.conversation_of("Two")
        assert second != first
        await rig.answers("To the new one", to=second, reply_id="reply-0002")
        for each in (page, other):
            await expect(each.locator("li.theirs .text")).to_have_text(["To the new one"])


async def test_limits_are_said(browser: Browser, tmp_path: Path) -> None:
    async with (
        a_window(tmp_path, max_files=1, max_file_bytes=1_024, ask=[]).running() as rig,
        a_shop(rig) as site,
        visit(browser, site) as page,
    ):
        await open_chat(page)
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
        await is_sent(page, "quick 11")
        assert await rig.texts() == [f"quick {n}" for n in range(12)]
