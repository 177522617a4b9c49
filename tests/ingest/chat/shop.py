"""A shop's page with the chat's window on it, and what a visitor does there."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from playwright.async_api import Page, expect

from bus.memory import MemoryBus
from tests.ingest.chat.visiting import ChatRig
from tests.ingest.forms.visiting import somebody_elses_site
from tests.ingest.intake.rig import NAME


def page_of_a_shop(base: str, attributes: str = "", *, style: str = "") -> str:
    """As it comes from the shop."""
    return (
        f"<!DOCTYPE html><html lang=en><title>Shop</title><style>{style}</style><h1>Shop</h1>"
        f'<script async src="{base}/in/{NAME}/chat.js" {attributes}></script></html>'
    )


def a_window(folder: Path, *, bus: MemoryBus | None = None, **settings: Any) -> ChatRig:  # noqa: ANN401
    """A process with it; the shop may lie anywhere."""
    return ChatRig.window(folder, bus=bus, **({"allowed_origins": ["*"]} | settings))


@contextlib.asynccontextmanager
async def a_shop(rig: ChatRig, attributes: str = "", *, base: str = "", style: str = "") -> AsyncIterator[str]:
    """The address of its page."""
    async with somebody_elses_site(page_of_a_shop(base or rig.base, attributes, style=style)) as site:
        yield site


async def open_chat(page: Page, name: str = "Chat") -> None:
    """By its button."""
    await page.get_by_role("button", name=name, exact=True).click()
    await expect(page.get_by_role("dialog")).to_be_visible()


async def write(page: Page, text: str, *, send: str = "Send") -> None:
    """And send it."""
    await page.locator("#text").fill(text)
    await page.get_by_role("button", name=send, exact=True).click()


def mine(page: Page, text: str) -> Any:  # noqa: ANN401  # a locator
    """What the visitor has written."""
    return page.locator("li.mine", has_text=text)


async def is_sent(page: Page, text: str, state: str = "Sent") -> None:
    """Its state is shown so, in a minute at most."""
    await expect(mine(page, text).locator(".state")).to_have_text(state, timeout=60_000)


async def until_taken(rig: ChatRig, texts: Sequence[str]) -> None:
    """All of them, and nothing else, in a minute at most."""
    async with asyncio.timeout(60):
        while await rig.texts() != list(texts):  # the bus in memory has no event for it
            await asyncio.sleep(0.02)
