"""A notifier in a process of its own: gathers, then sends: `… -m tests.ticketing.notifications.one_notifier URL`."""

import asyncio
import sys
from datetime import timedelta

from bus.settings import DeskSettings, NotificationSettings
from tests.ticketing.filing.said import CONFIRMING
from ticketing.database import engine
from ticketing.notifications.notifier import Notifier


async def _run(url: str) -> None:
    pool = engine(url)
    settings = NotificationSettings(wait=timedelta(), every=timedelta())
    notifier = Notifier(pool, settings, DeskSettings(), CONFIRMING.tokens, "support-mail")
    await notifier.gather()
    await notifier.send()
    await pool.dispose()


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1]))
