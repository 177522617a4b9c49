"""A form with a server, and what a visitor does with it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from playwright.async_api import Browser, Page
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bus.ops import serving
from bus.raw import RawMessage
from bus.record import Position
from ingest.connectors.web_form import WEB_FORM
from ingest.connectors.website import WEBSITE
from normalize.forms.submission import normalize_form
from normalize.outcome import Understood
from tests.ingest.intake.rig import NAME, IntakeRig

QUICK = {"minimum_seconds": 0.2}
TICKETS, FORM = f"/in/{NAME}/tickets", f"/in/{NAME}/"


def website(folder: Path, **settings: object) -> IntakeRig:
    return IntakeRig.of(WEBSITE, folder, QUICK | settings)


def web_form(folder: Path, **settings: object) -> IntakeRig:
    return IntakeRig.of(WEB_FORM, folder, QUICK | settings)


async def understood(rig: IntakeRig) -> dict[str, Understood]:
    """What was accepted, by message id: what was sent twice is there once."""
    found: dict[str, Understood] = {}
    for raw in rig.raw:
        for outcome in normalize_form(raw, await rig.payload(raw)):
            assert isinstance(outcome, Understood)
            found[outcome.message.message_id] = outcome
    return found


async def the_only_one(rig: IntakeRig) -> Understood:
    (one,) = (await understood(rig)).values()
    return one


class Gate:
    """Holds what is emitted until it is opened; nothing that has begun is taken back."""

    def __init__(self, rig: IntakeRig) -> None:
        self._emit = rig.emit
        self.entered = asyncio.Event()
        self.open = asyncio.Event()
        rig.emit = self

    async def __call__(self, *raw: RawMessage) -> Sequence[Position]:
        return await asyncio.shield(asyncio.ensure_future(self._once_open(raw)))

    async def _once_open(self, raw: Sequence[RawMessage]) -> Sequence[Position]:
        self.entered.set()
        await self.open.wait()
        return await self._emit(*raw)


@contextlib.asynccontextmanager
async def visit(browser: Browser, url: str = "", *, script: bool = True, locale: str = "en-GB") -> AsyncIterator[Page]:
    """A visitor with a browser of their own, whose console stays clean."""
    context = await browser.new_context(java_script_enabled=script, locale=locale)
    context.set_default_timeout(30_000)
    try:
        page = await context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if url:
            await page.goto(url)
        yield page
        assert not complaints
    finally:
        await context.close()


async def fill(page: Page, answers: Mapping[str, str]) -> None:
    for name, value in answers.items():
        await page.locator(f"[name={name}]").fill(value)


@contextlib.asynccontextmanager
async def somebody_elses_site(html: str, headers: Mapping[str, str] | None = None) -> AsyncIterator[str]:
    """A page on another origin."""

    async def page(_: object) -> Response:
        return HTMLResponse(html, headers=headers)

    async with serving(Starlette(routes=[Route("/", page)]), "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}/"
