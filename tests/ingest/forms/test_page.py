"""The form as a visitor gets it: its page, script, languages and receipt, and what makes no form."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bus.reference import beginning_of_id, reference_of
from ingest.connectors.web_form import WebFormSettings
from ingest.connectors.website import WebsiteSettings
from ingest.forms.languages import LANGUAGES, negotiated
from ingest.forms.wording import wording
from tests.ingest.forms.visiting import FORM, web_form, website
from tests.ingest.intake.rig import NAME, IntakeRig


async def test_what_a_visitor_wrote_is_never_markup(tmp_path: Path) -> None:
    async with website(tmp_path).running() as rig:
        body = b"email=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&text=%3C/textarea%3E%3Cscript%3E&name={{7*7}}"
        answer = await rig.ask(FORM, body, {"content-type": "application/x-www-form-urlencoded"})
        assert answer.status == 422
        page = answer.body.decode()
        assert "<script>" not in page.replace('<script src="/in/hook/page.js" defer></script>', "")
        assert "</textarea><" not in page
        assert "{{7*7}}" in page


async def test_a_page_may_be_framed_by_allowed_sites_and_runs_no_strangers_script(tmp_path: Path) -> None:
    async with website(tmp_path, allowed_origins=["https://www.example.com"]).running() as rig:
        policy = (await rig.ask(FORM, method="GET")).header("content-security-policy") or ""
        assert "frame-ancestors https://www.example.com" in policy
        assert "script-src 'self';" in policy
        assert "'unsafe" not in policy


async def test_links_lie_where_the_proxy_has_put_them(tmp_path: Path) -> None:
    rig = IntakeRig.of(_website_row(), tmp_path, {}, public_url="https://www.example.com/desk")
    async with rig.running():
        answer = await rig.ask(FORM, method="GET")
        assert f'action="/desk/in/{NAME}/"' in answer.body.decode()
        cookie = answer.header("set-cookie") or ""
        assert f"Path=/desk/in/{NAME}/" in cookie
        assert "Secure" in cookie
        assert "HttpOnly" in cookie
        below = await rig.ask(f"/in/{NAME}", method="GET")
        assert (below.status, below.header("location")) == (308, f"{NAME}/")


def _website_row() -> Any:  # noqa: ANN401  # the table's own type
    from ingest.connectors.website import WEBSITE

    return WEBSITE


async def test_the_script_is_small_and_kept_by_browsers(tmp_path: Path) -> None:
    async with web_form(tmp_path).running() as rig:
        answer = await rig.ask(f"/in/{NAME}/form.js", method="GET")
        assert len(answer.body) < 15 * 1024
        assert "max-age" in (answer.header("cache-control") or "")
        again = await rig.ask(
            f"/in/{NAME}/form.js", method="GET", headers={"if-none-match": answer.header("etag") or ""}
        )
        assert (again.status, again.body) == (304, b"")


async def test_a_receipt_shows_references_only(tmp_path: Path) -> None:
    async with website(tmp_path).running() as rig:
        good = await rig.ask(f"/in/{NAME}/received/k7q2-9xmp-41ab", method="GET")
        assert b"K7Q2-9XMP-41AB" in good.body
        assert (await rig.ask(f"/in/{NAME}/received/%3Cscript%3E", method="GET")).status == 404


@given(st.binary(min_size=32, max_size=32))
def test_a_reference_leads_to_the_beginning_of_its_message(digest: bytes) -> None:
    reference = reference_of(digest.hex())
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}", reference)
    for written in (reference, reference.lower(), reference.replace("-", " "), reference.replace("0", "o")):
        beginning = beginning_of_id(written)
        assert beginning is not None
        assert digest.hex().startswith(beginning)
    assert beginning_of_id(reference[:-1]) is None


@pytest.mark.parametrize(
    ("chosen", "accept", "language"),
    [
        ("", "", "en"),
        ("", "fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", "fr"),
        ("", "de, ja;q=0.3, nl;q=0.4", "nl"),
        ("", "en;q=0, pt-BR", "pt"),
        ("ja", "fr", "ja"),
        ("JA_jp", "fr", "ja"),
        ("de", "fr", "fr"),
        ("", "fr;q=x, nl;q=0.1", "nl"),
        ("", "," * 5_000, "en"),
    ],
)
def test_which_language_a_visitor_gets(chosen: str, accept: str, language: str) -> None:
    assert negotiated(chosen, accept) == language


def test_all_languages_say_the_same_things() -> None:
    english = wording("en")
    for language in LANGUAGES:
        words = wording(language)
        assert set(words) == set(english)
        assert set(words["errors"]) == set(english["errors"])
        for name, sentence in [*words.items(), *words["errors"].items()]:
            if isinstance(sentence, str):
                original = english.get(name) or english["errors"][name]
                assert set(re.findall(r"{\w+}", sentence)) == set(re.findall(r"{\w+}", original)), (language, name)


@pytest.mark.parametrize(
    "settings",
    [
        {"fields": ["email", "order"]},
        {"fields": []},
        {"fields": ["email", "email"]},
        {"required": ["phone"]},
        {"field": {"email": {"label": "x"}}},
        {"field": {"_website": {"label": "x"}}},
        {"field": {"order": {"label": {"de": "Auftrag"}}}},
        {"field": {"order": {"label": "x", "kind": "choice"}}},
        {"fields": ["text", "category"], "required": []},
        {"categories": ["billing"]},
        {"identity_secret": "short"},
        {"allowed_origins": ["example.com"]},
        {"language": "de"},
        {"colour": "red"},
    ],
)
def test_a_form_that_makes_no_sense_is_refused(settings: dict[str, object]) -> None:
    for model, kind in ((WebsiteSettings, "website"), (WebFormSettings, "web_form")):
        with pytest.raises(ValidationError):
            model.model_validate({"type": kind, **settings})
