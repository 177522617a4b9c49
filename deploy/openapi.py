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
from ticketing.confirm import Confirming
from ticketing.database import engine
from ticketing.policy import policy_of
from ticketing.tokens import ReplyTokens


def openapi() -> dict[str, Any]:
    """The document; nothing is connected to."""
    url = "postgresql+psycopg://nobody@127.0.0.1/nothing"
    settings = Settings(database=DatabaseSettings(url=SecretStr(url)))
    idle = engine(url)
    # nothing is signed with this key
    confirming = Confirming(settings.desk, ReplyTokens({0: bytes(32)}, 0))
    desk = Desk(confirming, policy_of(settings.threading, settings.desk))
    inside = Inside(idle, idle, FolderBlobs(settings.data), desk, Once(idle))
    return fastapi_app(inside, figures(settings)(inside, asyncio.Event())).openapi()
