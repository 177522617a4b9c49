"""What `contacts show` adds to a contact of the desk: its figures."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bus.database import database_url
from bus.errors import Retryable
from bus.output import console
from bus.settings import Settings
from deploy.desk_names import DeskNames
from metrics_worker.asking import Asking, Unknown
from metrics_worker.database import engine as engine_of
from metrics_worker.definitions import texts, wording
from metrics_worker.pages import Overview
from metrics_worker.service import NAMES
from metrics_worker.terminal import page

_NEWEST = 10


def figures_of_contact(settings: Settings, contact_id: str, as_json: bool) -> Mapping[str, Any]:
    """Draw the contact's page, the donut as bars; under `as_json` give it, as `overview`.

    A contact without a ticket has none, and a desk whose figures are not made yet shows the contact all the same.
    """
    try:
        found = asyncio.run(_page(settings, contact_id))
    except (Retryable, Unknown):
        return {"overview": None}
    if not as_json:
        console().print()
        for part in page(found, texts(), wording(settings.desk.language), datetime.now(UTC)):
            console().print(part)
    return {"overview": found.model_dump(mode="json")}


async def _page(settings: Settings, contact_id: str) -> Overview:
    engine = engine_of(database_url(settings))
    try:
        asking = Asking(engine, NAMES, settings.desk.calendar, DeskNames(engine))
        return await asking.overview(f"contact:{contact_id}", _NEWEST)
    finally:
        await engine.dispose()
