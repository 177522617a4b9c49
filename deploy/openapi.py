"""The OpenAPI document of the agents' API, figures included, made without a database."""

import asyncio
from typing import Any

from pydantic import SecretStr

from bus.blobs import FolderBlobs
from bus.settings import DatabaseSettings, Settings
from deploy.figures_in_api import figures
from ticketing.acts.desk import Desk
from ticketing.api.app import fastapi_app
from ticketing.api.inside import Inside
from ticketing.api.once import Once
from ticketing.database import engine


def openapi() -> dict[str, Any]:
    """The document; nothing is connected to."""
    url = "postgresql+psycopg://nobody@127.0.0.1/nothing"
    settings = Settings(database=DatabaseSettings(url=SecretStr(url)))
    idle = engine(url)
    inside = Inside(idle, idle, FolderBlobs(settings.data), Desk(confirming=None, policy=None), Once(idle))  # type: ignore[arg-type]  # nothing is asked of them
    return fastapi_app(inside, figures(settings)(inside, asyncio.Event())).openapi()
