"""How the chat's window looks and is used on somebody else's page: languages, keyboard, a strict policy, its size."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.ingest.chat.shop import a_shop, a_window, is_sent, open_chat, page_of_a_shop, write
from tests.ingest.forms.visiting import somebody_elses_site, visit
from tests.ingest.intake.rig import NAME
from tests.ingest.memory_replies import shown


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ja", ("チャット", "送信", "送信済み", "東京は雨です。傘はありますか？")),
        ("fr", ("Discuter", "Envoyer", "Envoyé", "Où est ma commande ? Ça n’arrive pas…")),
    ],
)
async def test_in_other_languages(browser: Browser, tmp_path: Path, language: str, words: tuple[str, ...]) -> None:
    launcher, send, sent, text = words
    rig = a_window(tmp_path, greeting={"en": "Hi", "ja": "いらっしゃいませ", "fr": "Soyez le bienvenu"})
    async with rig.running(), a_shop(rig, f'data-language="{language}"') as site, visit(browser, site) as page:
        await open_chat(page, launcher)
        await expect(page.locator(".greeting")).to_have_text(
            {"ja": "いらっしゃいませ", "fr": "Soyez le bienvenu"}[language]
        )
        await write(page, text, send=send)
        await is_sent(page, text, sent)
        (found,) = (await rig.messages()).values()
        assert (found.message.text, found.message.language, found.message.declared_language) == (
            text, language, language,
        )  # fmt: skip
        # Enter that ends the writing of a word is not the one that sends
        await page.locator("#text").fill("とうきょう")
        await page.locator("#text").dispatch_event("keydown", {"key": "Enter", "isComposing": True})
        assert await page.locator("#text").input_value() == "とうきょう"


async def test_the_keyboard_is_enough(browser: Browser, tmp_path: Path) -> None:
    async with a_window(tmp_path, ask=[]).running() as rig, a_shop(rig) as site, visit(browser, site) as page:
        launcher = page.get_by_role("button", name="Chat", exact=True)
        await launcher.focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("#text")).to_be_focused()
        await page.keyboard.type("First line")
        await page.keyboard.press("Shift+Enter")
        await page.keyboard.type("second")
        await page.keyboard.press("Enter")
        await is_sent(page, "First line")
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


async def test_under_a_strict_policy_of_the_site(browser: Browser, tmp_path: Path) -> None:
    async with a_window(tmp_path).running() as rig:
        policy = (
            f"default-src 'none'; script-src {rig.base}; connect-src {rig.base} {rig.base.replace('http', 'ws')}; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        )
        html = page_of_a_shop(rig.base).replace("<style></style>", "")
        async with (
            somebody_elses_site(html, {"content-security-policy": policy}) as site,
            visit(browser, site) as page,
        ):
            await open_chat(page)
            await write(page, "Hello")
            await is_sent(page, "Hello")


async def test_the_script_is_small(tmp_path: Path) -> None:
    async with a_window(tmp_path).running() as rig:
        answer = await rig.ask(f"/in/{NAME}/chat.js", b"", method="GET")
    assert 10 * 1024 < len(answer.body) < 30 * 1024
