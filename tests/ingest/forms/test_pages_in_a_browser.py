"""The help centre's page as visitors use it, in a real browser."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.ingest.forms.visiting import FORM, Gate, fill, the_only_one, understood, visit, website

ANSWERS = {
    "name": "Ana Pérez",
    "email": "ana@customer.example",
    "subject": "Broken <b>lamp</b>",
    "text": "It is\nbroken.",
}


async def _receipt(page: Page) -> str:
    reference = page.locator("[data-reference]")
    await expect(reference).to_be_visible(timeout=60_000)
    return str(await reference.text_content())


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
async def test_fill_upload_send(browser: Browser, tmp_path: Path, script: bool) -> None:
    files = [tmp_path / "請求書.txt", tmp_path / "b.bin"]
    files[0].write_text("first")
    files[1].write_bytes(bytes(range(256)) * 3_000)
    async with website(tmp_path).running() as rig, visit(browser, rig.base + FORM, script=script) as page:
        await fill(page, ANSWERS)
        await page.set_input_files("[name=attachments]", files)
        await page.wait_for_timeout(250)  # people take that long
        await page.click("button")
        reference = await _receipt(page)
        one = await the_only_one(rig)
        message = one.message
        assert (message.author.address, message.author.name, message.author.verified) == (
            "ana@customer.example",
            "Ana Pérez",
            False,
        )
        assert (message.subject, message.text) == ("Broken <b>lamp</b>", "It is\nbroken.")
        assert [(each.name, each.size) for each in message.attachments] == [("請求書.txt", 5), ("b.bin", 768_000)]
        assert rig.raw[0].headers[":reference"] == reference
        assert message.declared_language == "en"
        await page.reload()
        assert await _receipt(page) == reference
        assert len(rig.raw) == 1


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
async def test_what_is_wrong_stands_beside_its_field_and_nothing_is_forgotten(
    browser: Browser, tmp_path: Path, script: bool
) -> None:
    async with website(tmp_path).running() as rig, visit(browser, rig.base + FORM, script=script) as page:
        await fill(page, ANSWERS | {"email": "nobody", "text": ""})
        await page.wait_for_timeout(250)
        await page.click("button")
        await expect(page.locator("#e-email")).to_have_text("This is no email address, such as name@example.com.")
        await expect(page.locator("#e-text")).to_have_text("Please fill in this field.")
        await expect(page.locator("[role=alert]")).to_be_visible()
        assert await page.get_attribute("[name=email]", "aria-invalid") == "true"
        assert "e-email" in str(await page.get_attribute("[name=email]", "aria-describedby"))
        assert await page.input_value("[name=subject]") == ANSWERS["subject"]
        if script:
            await expect(page.locator("[name=email]")).to_be_focused()
        assert not rig.raw
        await fill(page, {"email": "ana@customer.example", "text": "It is broken."})
        await page.click("button")
        await _receipt(page)
        assert (await the_only_one(rig)).message.text == "It is broken."


async def test_with_the_keyboard_alone(browser: Browser, tmp_path: Path) -> None:
    async with website(tmp_path).running() as rig, visit(browser, f"{rig.base}{FORM}?language=en") as page:
        await page.focus("[name=name]")
        for word in ("Ana", "ana@customer.example", "Hello", "Please help"):
            await page.keyboard.type(word)
            await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")  # past the attachments, to the button and not into the trap
        await expect(page.locator("button")).to_be_focused()
        await page.keyboard.press("Enter")
        await _receipt(page)
        await expect(page.locator("h1")).to_be_focused()
        assert (await the_only_one(rig)).message.text == "Please help"


async def test_every_input_has_a_label(browser: Browser, tmp_path: Path) -> None:
    fields = ["name", "email", "phone", "subject", "text", "attachments", "priority", "category"]
    rig = website(tmp_path, fields=fields, categories=["billing"])
    async with rig.running(), visit(browser, rig.base + FORM) as page:
        unlabelled = await page.evaluate(
            "Array.from(document.querySelectorAll('input:not([type=hidden]), textarea, select'))"
            ".filter((e) => !e.labels.length || !e.labels[0].textContent.trim()).map((e) => e.name)"
        )
        assert unlabelled == []
        assert await page.locator("main h1").count() == 1
        hidden = page.locator("[name=_website]")
        assert (await hidden.get_attribute("tabindex"), await hidden.get_attribute("autocomplete")) == ("-1", "off")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
async def test_a_double_click_is_one_submission(browser: Browser, tmp_path: Path, script: bool) -> None:
    async with website(tmp_path).running() as rig, visit(browser, rig.base + FORM, script=script) as page:
        await fill(page, ANSWERS)
        await page.wait_for_timeout(250)
        await page.dblclick("button")
        await _receipt(page)
        assert len(await understood(rig)) == 1


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
async def test_a_reload_in_mid_send_is_one_submission(browser: Browser, tmp_path: Path, script: bool) -> None:
    async with website(tmp_path).running() as rig, visit(browser, rig.base + FORM, script=script) as page:
        gate = Gate(rig)
        await fill(page, ANSWERS)
        await page.wait_for_timeout(250)
        await page.click("button", no_wait_after=True)
        async with asyncio.timeout(30):
            await gate.entered.wait()
        await page.goto(rig.base + FORM)
        if script:
            assert await page.input_value("[name=text]") == ANSWERS["text"]
        await fill(page, ANSWERS)
        gate.open.set()
        await page.wait_for_timeout(250)
        await page.click("button")
        await _receipt(page)
        assert len(rig.raw) == 2
        assert len(await understood(rig)) == 1
        await page.click("[data-another]")  # and what is written now is another one
        await fill(page, ANSWERS)
        await page.wait_for_timeout(250)
        await page.click("button")
        await _receipt(page)
        assert len(await understood(rig)) == 2


async def test_the_network_goes_and_comes_back(browser: Browser, tmp_path: Path) -> None:
    async with website(tmp_path).running() as rig, visit(browser, rig.base + FORM) as page:
        await fill(page, ANSWERS)
        await page.context.set_offline(True)
        await page.click("button")
        await expect(page.locator("[data-status]")).to_contain_text("There is no connection.")
        assert not rig.raw
        await page.context.set_offline(False)
        await _receipt(page)
        assert (await the_only_one(rig)).message.text == ANSWERS["text"]


async def test_while_it_cannot_be_taken_the_page_tries_again(browser: Browser, tmp_path: Path) -> None:
    async with website(tmp_path).running() as rig, visit(browser, rig.base + FORM) as page:
        rig.bus.reachable = False
        await fill(page, ANSWERS)
        await page.click("button")
        await expect(page.locator("[data-status]")).to_contain_text("It could not be sent yet")
        rig.bus.reachable = True
        await _receipt(page)
        assert len(await understood(rig)) == 1


async def test_while_it_cannot_be_taken_the_page_without_a_script_says_so(browser: Browser, tmp_path: Path) -> None:
    async with website(tmp_path).running() as rig, visit(browser, rig.base + FORM, script=False) as page:
        rig.bus.reachable = False
        await fill(page, ANSWERS)
        await page.wait_for_timeout(250)
        await page.click("button")
        await expect(page.locator("[role=alert]")).to_contain_text("Nothing of it is lost")
        assert await page.input_value("[name=text]") == ANSWERS["text"]
        rig.bus.reachable = True
        await page.click("button")
        await _receipt(page)
        assert len(await understood(rig)) == 1


async def test_two_visitors_at_once(browser: Browser, tmp_path: Path) -> None:
    async with website(tmp_path).running() as rig:

        async def one(address: str) -> str:
            async with visit(browser, rig.base + FORM) as page:
                await fill(page, ANSWERS | {"email": address})
                await page.click("button")
                return await _receipt(page)

        references = await asyncio.gather(one("ana@customer.example"), one("bob@customer.example"))
        assert len(set(references)) == 2
        authors = {each.message.author.address for each in (await understood(rig)).values()}
        assert authors == {"ana@customer.example", "bob@customer.example"}


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
@pytest.mark.parametrize(
    ("locale", "label", "wrong", "thanks"),
    [
        ("ja-JP", "お名前", "この項目を入力してください。", "ありがとうございます"),
        ("fr-CH", "Votre nom", "Veuillez remplir ce champ.", "Merci"),
    ],
)
async def test_in_japanese_and_french(
    browser: Browser, tmp_path: Path, script: bool, locale: str, label: str, wrong: str, thanks: str
) -> None:
    async with (
        website(tmp_path).running() as rig,
        visit(browser, rig.base + FORM, script=script, locale=locale) as page,
    ):
        assert await page.locator("html").get_attribute("lang") == locale[:2]
        await page.get_by_label(label).fill("山田")
        await page.wait_for_timeout(250)
        await page.click("button")
        await expect(page.locator("#e-text")).to_have_text(wrong)
        await fill(page, {"email": "yamada@customer.example", "text": "電源が入りません。"})
        await page.click("button")
        await expect(page.locator("h1")).to_contain_text(thanks)
        message = (await the_only_one(rig)).message
        assert (message.declared_language, message.author.name) == (locale[:2], "山田")
        await page.get_by_role("link", name="Nederlands").click()
        await expect(page.locator("h1")).to_contain_text("Dank u")


async def test_files_that_are_too_large_are_not_even_sent(browser: Browser, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(b"x" * 3_000)
    rig = website(tmp_path, max_file_bytes=2_048, max_files=2)
    async with rig.running(), visit(browser, rig.base + FORM) as page:
        await expect(page.locator("#h-attachments")).to_have_text("Up to 2 files, 2 KB each, 20 MB together.")
        await fill(page, ANSWERS)
        await page.set_input_files("[name=attachments]", [large])
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.method))
        await page.click("button")
        await expect(page.locator("#e-attachments")).to_have_text("A file is too large, at most 2 KB each.")
        assert asked == []
        await page.set_input_files("[name=attachments]", [])
        await page.click("button")
        await _receipt(page)


async def test_a_machine_that_fills_the_trap_and_a_person_it_is_shown_to(browser: Browser, tmp_path: Path) -> None:
    async with website(tmp_path).running() as rig, visit(browser, rig.base + FORM) as page:
        await fill(page, ANSWERS)
        await expect(page.locator("[name=_website]")).not_to_be_in_viewport()
        await page.evaluate("document.querySelector('[name=_website]').value = 'https://spam.example'")
        await page.click("button")
        await expect(page.locator("[name=_website]")).to_be_in_viewport()
        assert not rig.raw
        await page.fill("[name=_website]", "")
        await page.click("button")
        await _receipt(page)
        assert len(rig.raw) == 1
