"""A form that a script puts into somebody else's page, in a real browser."""

import asyncio
import time
from pathlib import Path

import jwt
import pytest
from playwright.async_api import Browser, Page, expect

from tests.ingest.forms.visiting import (
    Gate,
    fill,
    somebody_elses_site,
    the_only_one,
    understood,
    visit,
    web_form,
)
from tests.ingest.intake.rig import NAME, IntakeRig

ANSWERS = {"name": "Ana", "email": "ana@customer.example", "text": "Where is my order?"}
SECRET = "s" * 40
OWN = {
    "fields": ["name", "email", "order", "kind", "terms", "text", "attachments"],
    "required": ["email", "order", "terms", "text"],
    "field": {
        "order": {"label": {"en": "Order number", "ja": "注文番号"}},
        "kind": {
            "label": "Kind",
            "kind": "choice",
            "options": ["late", {"value": "broken", "label": {"en": "It broke"}}],
        },
        "terms": {"label": "I agree", "kind": "check"},
    },
}


def _page(rig: IntakeRig, attributes: str = "", *, style: str = "") -> str:
    return (
        f"<!DOCTYPE html><html lang=en><title>Shop</title><style>{style}</style><h1>Shop</h1>"
        f'<div id="here"></div><script src="{rig.base}/in/{NAME}/form.js" {attributes}></script>'
        f'<noscript><a href="{rig.base}/in/{NAME}/">Write to us</a></noscript></html>'
    )


async def _received(page: Page) -> str:
    reference = page.locator("[data-reference]")
    await expect(reference).to_be_visible(timeout=60_000)
    return str(await reference.text_content())


async def test_fill_upload_send_on_another_site(browser: Browser, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 400_000)
    async with (
        web_form(tmp_path, **OWN).running() as rig,
        somebody_elses_site(_page(rig, 'data-target="#here"', style="* { color: red; font-size: 70px }")) as site,
        visit(browser, site) as page,
    ):
        await fill(page, ANSWERS | {"order": "A-17"})
        await page.get_by_label("Kind").select_option("It broke")
        await page.get_by_label("I agree").check()
        await page.set_input_files("[name=attachments]", photo)
        assert await page.locator("label").first.evaluate("(e) => getComputedStyle(e).fontSize") == "16px"
        await page.get_by_role("button", name="Send").click()
        reference = await _received(page)
        message = (await the_only_one(rig)).message
        assert message.fields
        assert {name: message.fields[name] for name in ("order", "kind", "terms")} == {
            "order": "A-17",
            "kind": "broken",
            "terms": "yes",
        }
        assert (message.channel, message.attachments[0].size) == ("web_form", 400_008)
        assert rig.raw[0].headers[":reference"] == reference
        assert await page.locator("#here > [data-deskstream]").count() == 1
        await page.get_by_role("link", name="Write another message").click()
        await expect(page.locator("[name=text]")).to_have_value("")


async def test_what_is_wrong_stands_beside_its_field(browser: Browser, tmp_path: Path) -> None:
    async with (
        web_form(tmp_path, **OWN).running() as rig,
        somebody_elses_site(_page(rig, 'data-language="ja"')) as site,
        visit(browser, site) as page,
    ):
        await fill(page, ANSWERS)
        await page.get_by_role("button", name="送信").click()
        await expect(page.locator("#e-order")).to_have_text("この項目を入力してください。")
        await expect(page.get_by_label("注文番号")).to_be_focused()
        assert await page.locator("[name=text]").input_value() == ANSWERS["text"]
        assert not rig.raw


async def test_a_double_click_and_a_reload_in_mid_send_are_one_submission(browser: Browser, tmp_path: Path) -> None:
    async with (
        web_form(tmp_path).running() as rig,
        somebody_elses_site(_page(rig)) as site,
        visit(browser, site) as page,
    ):
        gate = Gate(rig)
        await fill(page, ANSWERS)
        await page.get_by_role("button", name="Send").dblclick()
        async with asyncio.timeout(30):
            await gate.entered.wait()
        await page.reload()
        await expect(page.locator("[name=text]")).to_have_value(ANSWERS["text"])
        gate.open.set()
        await page.get_by_role("button", name="Send").click()
        await _received(page)
        assert len(rig.raw) == 2
        assert len(await understood(rig)) == 1


async def test_the_network_goes_and_comes_back(browser: Browser, tmp_path: Path) -> None:
    async with (
        web_form(tmp_path).running() as rig,
        somebody_elses_site(_page(rig)) as site,
        visit(browser, site) as page,
    ):
        await fill(page, ANSWERS)
        await page.context.set_offline(True)
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator("[data-status]")).to_contain_text("There is no connection.")
        await page.context.set_offline(False)
        await _received(page)
        assert len(await understood(rig)) == 1


async def test_a_site_that_is_not_allowed_gets_a_link_instead_of_a_form(browser: Browser, tmp_path: Path) -> None:
    async with (
        web_form(tmp_path, allowed_origins=["https://www.example.com"]).running() as rig,
        somebody_elses_site(_page(rig)) as site,
        visit(browser, site) as page,
    ):
        await page.locator("[data-deskstream] a").click()
        await fill(page, ANSWERS)
        await page.click("button")
        await _received(page)
        assert (await the_only_one(rig)).message.text == ANSWERS["text"]


async def test_without_a_script_there_is_a_page(browser: Browser, tmp_path: Path) -> None:
    async with (
        web_form(tmp_path).running() as rig,
        somebody_elses_site(_page(rig)) as site,
        visit(browser, site, script=False) as page,
    ):
        await page.get_by_role("link", name="Write to us").click()
        await fill(page, ANSWERS)
        await page.wait_for_timeout(250)
        await page.click("button")
        await _received(page)
        assert (await the_only_one(rig)).message.channel == "web_form"


async def test_a_plain_form_of_the_sites_own_is_asked_once_more(browser: Browser, tmp_path: Path) -> None:
    async with web_form(tmp_path).running() as rig:
        html = (
            f'<form method="post" action="{rig.base}/in/{NAME}/"><input name="email"><textarea name="text"></textarea>'
            "<button>Go</button></form>"
        )
        async with somebody_elses_site(html) as site, visit(browser, site, script=False) as page:
            await fill(page, {"email": "ana@customer.example", "text": "Hello"})
            await page.click("button")
            await expect(page.locator("[role=alert]")).to_contain_text("Please send it again.")
            assert await page.input_value("[name=text]") == "Hello"
            await page.wait_for_timeout(250)
            await page.click("button")
            await _received(page)
            assert (await the_only_one(rig)).message.text == "Hello"


async def test_under_a_strict_policy_of_the_site(browser: Browser, tmp_path: Path) -> None:
    async with web_form(tmp_path).running() as rig:
        policy = (
            f"default-src 'none'; script-src {rig.base}; connect-src {rig.base}; require-trusted-types-for 'script'; "
            "trusted-types deskstream"
        )
        async with (
            somebody_elses_site(_page(rig), {"content-security-policy": policy}) as site,
            visit(browser, site) as page,
        ):
            await fill(page, ANSWERS)
            await page.get_by_role("button", name="Send").click()
            await _received(page)
            assert len(rig.raw) == 1


@pytest.mark.parametrize("expired", [False, True])
async def test_who_is_logged_in_is_known_and_is_heard_even_when_that_has_run_out(
    browser: Browser, tmp_path: Path, expired: bool
) -> None:
    claims = {"email": "ana@customer.example", "exp": time.time() + (-3_600 if expired else 600)}
    token = jwt.encode(claims, SECRET, algorithm="HS256")
    async with (
        web_form(tmp_path, identity_secret=SECRET).running() as rig,
        somebody_elses_site(_page(rig, f'data-identity="{token}"')) as site,
        visit(browser, site) as page,
    ):
        await fill(page, ANSWERS if expired else {"text": "Hello"})
        await page.get_by_role("button", name="Send").click()
        await _received(page)
        author = (await the_only_one(rig)).message.author
        assert (author.address, author.verified) == ("ana@customer.example", not expired)
        assert token.encode() not in await rig.payload(rig.raw[0])


async def test_feedback_only(browser: Browser, tmp_path: Path) -> None:
    async with (
        web_form(tmp_path, fields=["email", "text"], required=["text"], feedback="only").running() as rig,
        somebody_elses_site(_page(rig)) as site,
        visit(browser, site) as page,
    ):
        await expect(page.locator("h2")).to_have_text("Give feedback")
        await fill(page, {"text": "I like it"})
        await page.evaluate(
            "document.querySelector('[data-deskstream]').shadowRoot.querySelector('[name=feedback]').remove()"
        )
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator("[data-received]")).to_contain_text("Thank you for your feedback")
        assert (await the_only_one(rig)).message.feedback_only


async def test_the_page_of_the_site_hears_the_reference(browser: Browser, tmp_path: Path) -> None:
    async with (
        web_form(tmp_path).running() as rig,
        somebody_elses_site(_page(rig)) as site,
        visit(browser, site) as page,
    ):
        await page.evaluate("addEventListener('deskstream:received', (e) => { window.heard = e.detail.reference; })")
        await fill(page, ANSWERS)
        await page.get_by_role("button", name="Send").click()
        reference = await _received(page)
        assert await page.evaluate("window.heard") == reference
