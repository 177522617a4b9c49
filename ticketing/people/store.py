"""Who holds a token, and what a name and a password give: the edge between the policy and its tables."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bus.errors import Invalid, Retryable
from bus.progress import database_error
from ticketing.people import passwords, secret_tokens
from ticketing.people.directory import NoSuch
from ticketing.people.login_limits import WINDOW, Failures, limits, wait
from ticketing.people.models import Token
from ticketing.people.policy import Permission, Role, Who
from ticketing.receipts import now_utc

SESSION: Final = timedelta(hours=8)
LONGEST_TOKEN: Final = timedelta(days=366)

_HOLDER = sa.text("""
SELECT k.id, k.hash, k.scopes, k.used_at, a.id AS agent_id, a.name, a.roles,
       ARRAY(SELECT department_id FROM desk.department_members m WHERE m.agent_id = a.id) AS departments
  FROM desk.api_tokens k JOIN desk.agents a ON a.id = k.agent_id
 WHERE k.id = :id AND k.revoked_at IS NULL AND k.expires_at > :now AND a.disabled_at IS NULL
""")
# nobody waits for a request that uses the same token
_USED = sa.text("""
UPDATE desk.api_tokens SET used_at = :now
 WHERE id = (SELECT id FROM desk.api_tokens WHERE id = :id FOR NO KEY UPDATE SKIP LOCKED)
""")
_USED_EVERY: Final = timedelta(hours=1)
_ADD = sa.text("""
INSERT INTO desk.api_tokens (id, agent_id, kind, name, hash, scopes, created_at, expires_at)
SELECT :id, a.id, :kind, :name, :hash, CAST(:scopes AS text[]), :now, :expires
  FROM desk.agents a WHERE a.id = :agent AND a.disabled_at IS NULL
""")
_THERE = sa.text("SELECT 1 FROM desk.api_tokens WHERE id = :id")
_FORGET_SESSIONS = sa.text(
    "DELETE FROM desk.api_tokens WHERE agent_id = :agent AND kind = 'session' AND expires_at < :now"
)
_TOKENS = sa.text("""
SELECT id, agent_id, kind, name, scopes, created_at, expires_at, used_at, revoked_at FROM desk.api_tokens
 WHERE agent_id = :agent AND (kind = 'token' OR expires_at > :now AND revoked_at IS NULL)
 ORDER BY created_at DESC, id
""")
_REVOKE = sa.text("""
UPDATE desk.api_tokens SET revoked_at = coalesce(revoked_at, :now)
 WHERE id = :id AND (CAST(:agent AS text) IS NULL OR agent_id = :agent)
""")
_BY_EMAIL = sa.text("""
SELECT a.id, p.hash FROM desk.agents a JOIN desk.passwords p ON p.agent_id = a.id
 WHERE a.email = :email AND a.disabled_at IS NULL
""")
_FAILED = sa.text("""
INSERT INTO desk.login_failures AS f (subject, failures, since)
SELECT s, 1, :now FROM unnest(CAST(:subjects AS text[])) AS s ORDER BY s
    ON CONFLICT (subject) DO UPDATE SET
       failures = CASE WHEN f.since <= :before THEN 1 ELSE f.failures + 1 END,
       since = CASE WHEN f.since <= :before THEN excluded.since ELSE f.since END
RETURNING subject, failures, since
""")
_FORGIVEN = sa.text("""
WITH others AS (
    UPDATE desk.login_failures SET failures = failures - 1 WHERE subject = ANY(:subjects) AND subject <> :subject
) DELETE FROM desk.login_failures WHERE subject = :subject OR since <= :before AND subject <> ALL(:subjects)
""")


class WrongPassword(Exception):
    """No agent has this name and this password."""


class TooManyFailures(Exception):
    """Nothing was tried. `wait`: when to come back."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__("too many failed logins")
        self.wait = wait


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token as it is shown, this once."""

    id: str
    token: str
    expires_at: datetime


async def who_holds(connection: AsyncConnection, bearer: str, *, now: datetime | None = None) -> Who | None:
    """Whose token it is; None when it is nobody's, expired, revoked, or of an agent who is disabled."""
    parts = secret_tokens.taken_apart(bearer)
    if parts is None:
        return None
    id_, secret = parts
    at = now or now_utc()
    row = (await connection.execute(_HOLDER, {"id": id_, "now": at})).one_or_none()
    if row is None or not secret_tokens.same(secret, row.hash):
        return None
    if row.used_at is None or row.used_at < at - _USED_EVERY:
        await connection.execute(_USED, {"id": id_, "now": at})
    return Who(
        agent_id=row.agent_id,
        name=row.name,
        roles=frozenset(map(Role, row.roles)),
        scopes=None if row.scopes is None else frozenset(map(Permission, row.scopes)),
        departments=frozenset(row.departments),
        token_id=row.id,
    )


async def give_token(
    connection: AsyncConnection,
    agent_id: str,
    *,
    name: str,
    lifetime: timedelta,
    scopes: Collection[Permission] | None = None,
    kind: Literal["token", "session"] = "token",
    id_: str | None = None,
    now: datetime | None = None,
) -> NewToken:
    """Make a token. `id_`: of the token, where it must not be made twice.

    Raises Invalid for an agent who is not there or disabled, for a lifetime that is none, for an id that was used.
    """
    if not timedelta(0) < lifetime <= LONGEST_TOKEN:
        raise Invalid(f"a token holds for more than nothing and at most {LONGEST_TOKEN.days} days")
    at = now or now_utc()
    token, id_, digest = secret_tokens.mint(id_)
    if (await connection.execute(_THERE, {"id": id_})).first() is not None:
        raise Invalid(f"this was done already: it made the token {id_}, which is shown only once")
    values = {"id": id_, "agent": agent_id, "kind": kind, "name": name, "hash": digest, "now": at}
    values |= {"scopes": None if scopes is None else sorted(scopes), "expires": at + lifetime}
    if not (await connection.execute(_ADD, values)).rowcount:
        raise Invalid(f"there is no agent {agent_id}, or he is disabled")
    return NewToken(id_, token, at + lifetime)


async def log_in(
    engine: AsyncEngine, email: str, password: str, *, address: str, now: datetime | None = None
) -> NewToken:
    """A session's token for a mail address and a password; `address`: from where in the network it is tried.

    Raises WrongPassword, TooManyFailures, and Retryable.
    """
    at = now or now_utc()
    agent_id = await check_password(engine, email, password, address=address, now=at)
    async with transaction(engine) as connection:
        await connection.execute(_FORGET_SESSIONS, {"agent": agent_id, "now": at})
        return await give_token(connection, agent_id, name="login", lifetime=SESSION, kind="session", now=at)


async def check_password(
    engine: AsyncEngine, email: str, password: str, *, address: str, now: datetime | None = None
) -> str:
    """The id of the agent whose address and password these are. No connection is held while it is checked.

    Raises WrongPassword, TooManyFailures, and Retryable.
    """
    at, name = now or now_utc(), email.replace("\0", "").strip().lower()
    limited = limits(name, address)
    async with transaction(engine) as connection:
        # counted before it is tried, so that many at once are no way around the limit; not kept when it is not tried
        rows = await connection.execute(_FAILED, {"subjects": list(limited), "now": at, "before": at - WINDOW})
        pause = wait({row.subject: Failures(row.failures, row.since) for row in rows}, limited, at)
        if pause is not None:
            raise TooManyFailures(pause)
        found = (await connection.execute(_BY_EMAIL, {"email": name})).one_or_none()
    right = await passwords.matches(found.hash if found else None, password)
    if found is None or not right:
        raise WrongPassword
    async with transaction(engine) as connection:
        forgiven = {"subjects": list(limited), "subject": next(iter(limited)), "before": at - WINDOW}
        await connection.execute(_FORGIVEN, forgiven)
    return str(found.id)


async def tokens(connection: AsyncConnection, agent_id: str) -> list[Token]:
    """An agent's tokens, the newest first; those that are over or revoked too, sessions only while they hold."""
    rows = await connection.execute(_TOKENS, {"agent": agent_id, "now": now_utc()})
    return [Token.model_validate(row) for row in rows.mappings()]


async def revoke(connection: AsyncConnection, token_id: str, *, of: str | None = None) -> None:
    """Let a token hold no longer. `of`: only when it is this agent's. Raises Invalid when there is no such token."""
    if not (await connection.execute(_REVOKE, {"id": token_id, "agent": of, "now": now_utc()})).rowcount:
        raise NoSuch(f"there is no token {token_id}")


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction, its database errors in our terms."""
    try:
        async with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        raise database_error(error) from error
    except PoolTimeout as error:
        raise Retryable("the database: no connection is free") from error
