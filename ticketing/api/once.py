"""`Idempotency-Key`: a POST that is repeated is done once (draft-ietf-httpapi-idempotency-key-header-07).

Two things together: what is done takes the key as its cause, so that even after a crash between the act and its
answer a repetition does nothing more; and the answer is kept, so that a repetition is answered the same. While one
request is being answered another with the same key waits for it.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import Header, Request, Response
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ticketing.api.problems import Refused
from ticketing.people.policy import Who

KEPT: Final = timedelta(days=7)
"""So long an answer is kept."""
_KEPT_HEADERS: Final = ("etag", "location", "content-type")
_LARGEST_KEPT: Final = 1 << 20

KeyHeader = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="A text of your own that names this request: repeated, it is done once and answered the same.",
    ),
]

_LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
_PATIENCE = sa.text("SET LOCAL lock_timeout = '8s'")
_FIND = sa.text("SELECT digest, status, headers, body FROM desk.api_answers WHERE agent_id = :agent AND key = :key")
_KEEP = sa.text("""
INSERT INTO desk.api_answers (agent_id, key, digest, status, headers, body, created_at)
VALUES (:agent, :key, :digest, :status, CAST(:headers AS jsonb), :body, :now) ON CONFLICT DO NOTHING
""")
_FORGET = sa.text("DELETE FROM desk.api_answers WHERE created_at < :before")

Do = Callable[[str], Awaitable[Response]]
"""Does it, given the cause under which it is done; the same cause twice MUST do it once."""


@dataclass(frozen=True, slots=True)
class Once:
    """`engine`: of its own, because its transactions stay open while requests are answered on others' connections."""

    engine: AsyncEngine

    async def answer(self, request: Request, who: Who, key: str, do: Do) -> Response:
        """What `do` answers, or has answered to the same request before. Only what succeeds is kept.

        Raises Refused: `invalid` when the key was used for something else, `busy` when it is in use for too long.
        """
        digest = _digest(request, await request.body())
        async with self.engine.begin() as connection:
            await self._lock(connection, f"{who.agent_id} {key}")
            kept = (await connection.execute(_FIND, {"agent": who.agent_id, "key": key})).one_or_none()
            if kept is not None:
                if bytes(kept.digest) != digest:
                    raise Refused("invalid", "this Idempotency-Key was used for another request")
                return Response(bytes(kept.body), kept.status, headers=kept.headers | {"Idempotent-Replayed": "true"})
            response = await do(cause_of(who, key))
            if response.status_code < 300 and len(response.body) <= _LARGEST_KEPT:
                await self._keep(connection, who, key, digest, response)
            return response

    async def forget(self, now: datetime) -> None:
        """Let go of old answers."""
        async with self.engine.begin() as connection:
            await connection.execute(_FORGET, {"before": now - KEPT})

    async def _lock(self, connection: AsyncConnection, name: str) -> None:
        await connection.execute(_PATIENCE)
        try:
            await connection.execute(_LOCK, {"name": name})
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) == "55P03":  # lock_not_available
                raise Refused("busy", "ask again in a moment", headers={"Retry-After": "2"}) from None
            raise

    async def _keep(self, connection: AsyncConnection, who: Who, key: str, digest: bytes, response: Response) -> None:
        values: dict[str, Any] = {"agent": who.agent_id, "key": key, "digest": digest, "status": response.status_code}
        headers = {name: value for name, value in response.headers.items() if name in _KEPT_HEADERS}
        kept = {"headers": json.dumps(headers)}
        await connection.execute(_KEEP, values | kept | {"body": bytes(response.body), "now": datetime.now(UTC)})


def cause_of(who: Who, key: str) -> str:
    """The key under which an act is done: one agent's keys are nobody else's."""
    return f"api:{who.agent_id}:{key}"


def _digest(request: Request, body: bytes) -> bytes:
    said = b"\0".join((request.method.encode(), request.url.path.encode(), request.url.query.encode(), body))
    return hashlib.sha256(said).digest()
