"""The figures beside the agents' API: two packages that do not know each other, under one address."""

import asyncio
from collections.abc import Callable, Sequence

from fastapi import APIRouter

from bus.database import database_url
from bus.settings import Settings
from deploy.desk_names import DeskNames
from metrics_worker.asking import Asking
from metrics_worker.database import engine as engine_of
from metrics_worker.live import Watching
from metrics_worker.routes import router
from metrics_worker.service import NAMES
from ticketing.api.inside import Inside
from ticketing.people.policy import Permission


def figures(settings: Settings) -> Callable[[Inside, asyncio.Event], Sequence[APIRouter]]:
    """Their router, given the API's inside and what ends their streams. Raises ConfigError."""
    url = database_url(settings)

    def made(inside: Inside, stop: asyncio.Event) -> Sequence[APIRouter]:
        engine = engine_of(url)
        asking = Asking(engine, NAMES, settings.desk.calendar, DeskNames(engine))
        see_figures = inside.access.dependency(Permission.SEE_FIGURES)
        return [router(asking, Watching(engine, stop=stop), see_figures)]

    return made
