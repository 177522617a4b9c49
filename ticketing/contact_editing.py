"""Contacts and accounts made and edited by hand, in the database: one transaction each, as ticketing.contact_store."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bus.errors import Invalid
from bus.message import AuthorKind
from bus.ticket_event import event_id
from ticketing import contact_acts as acts
from ticketing.acts.errors import Stale, Unknown
from ticketing.contact_acts import Act, Contact
from ticketing.contact_store import account_named, acting, contact_by_id, done, find, held, tell, write
from ticketing.contacts import identity_value

_INSERT = sa.text("""
INSERT INTO desk.contacts (id, name, language, language_declared, account_id, account_by, version, created_at)
VALUES (:id, :name, :language, CAST(:language AS text) IS NOT NULL, :account, :by, 1, :now)
""")
_SET = {
    "name": sa.text("UPDATE desk.contacts SET name = :value WHERE id = :id"),
    "language": sa.text(
        "UPDATE desk.contacts SET language = :value, language_declared = CAST(:value AS text) IS NOT NULL "
        "WHERE id = :id"
    ),
}
_OWNER = sa.text("SELECT contact_id FROM desk.identities WHERE kind = :kind AND value = :value")
_IDENTIFY = sa.text("""
INSERT INTO desk.identities (kind, value, contact_id, asserted_by, strength, asserted_at)
VALUES (:kind, :value, :contact, :by, 'agent', :now)
""")
_ACCOUNT_THERE = sa.text("SELECT id FROM desk.accounts WHERE id = :id OR key = :key")
_ACCOUNT = sa.text("INSERT INTO desk.accounts (id, key, name, created_at) VALUES (:id, :key, :name, :now)")
_ACCOUNT_NAME = sa.text("UPDATE desk.accounts SET name = :name WHERE id = :id")


class Known(NamedTuple):
    """An address, number or user id by which somebody is known."""

    kind: AuthorKind
    address: str

    @property
    def value(self) -> str:
        """As it is looked up."""
        return identity_value(self.kind, self.address)


async def create(
    engine: AsyncEngine,
    act: Act,
    *,
    name: str | None,
    language: str | None,
    account: str | None,
    identities: Sequence[Known],
) -> str:
    """Make a contact; its id, the same for the same act. `account`: an account's id, key or name.

    Raises Invalid when an identity belongs to somebody already or there is no such account, and Retryable.
    """
    id_ = event_id("contact", act.key, 0)
    async with acting(engine) as connection:
        if await done(connection, Contact(id_, None, id_, None, None, 1), act):
            return id_
        account_id = await account_named(connection, account, act, new=False) if account else None
        decision = acts.create(id_, account_id, act)
        [made] = decision.contacts
        values = {"id": id_, "name": name, "language": language, "account": account_id, "by": made.account_by}
        await connection.execute(_INSERT, values | {"now": act.now})
        for known in identities:
            await _identify(connection, id_, known, act)
        await tell(connection, decision)
    return id_


async def edit(engine: AsyncEngine, contact: str, fields: Mapping[str, str | None], act: Act, *, version: int) -> str:
    """Give `name` or `language` other values; None takes them away. Its tickets' documents follow a name.

    Raises Unknown, Stale when it is not at `version`, Invalid when it is part of another, and Retryable.
    """
    async with acting(engine) as connection:
        one = await _standing(connection, contact)
        if await done(connection, one, act):
            return one.id
        if one.version != version:
            raise Stale(one.version)
        tickets, owed = await held(connection, one.id, act) if "name" in fields else ([], [])
        decision = acts.edit(one, fields, tickets, act)
        await write(connection, decision, act)
        for name, value in fields.items():
            await connection.execute(_SET[name], {"value": value, "id": one.id})
        await tell(connection, decision, owed)
        return one.id


async def identify(engine: AsyncEngine, contact: str, known: Known, act: Act) -> str:
    """Let an identity be this contact's. Raises Unknown, Invalid when it is another's or this is part of another, and
    Retryable."""
    async with acting(engine) as connection:
        one = await _standing(connection, contact)
        if await done(connection, one, act):
            return one.id
        decision = acts.edit(one, ["identities"], [], act)
        await write(connection, decision, act)
        await _identify(connection, one.id, known, act)
        await tell(connection, decision)
        return one.id


async def create_account(engine: AsyncEngine, name: str, key: str, act: Act) -> str:
    """Make an account; its id, the same for the same act. `key`: its domain, or how a rule calls it.

    Raises Invalid when there is one with this key, and Retryable.
    """
    id_ = event_id("account", act.key, 0)
    async with acting(engine) as connection:
        there = (await connection.execute(_ACCOUNT_THERE, {"id": id_, "key": key})).scalars().all()
        if id_ in there:
            return id_
        if there:
            raise Invalid(f"account {there[0]} is {key} already")
        await connection.execute(_ACCOUNT, {"id": id_, "key": key, "name": name, "now": act.now})
    return id_


async def rename_account(engine: AsyncEngine, account_id: str, name: str) -> str:
    """Call an account something else. Raises Unknown and Retryable."""
    async with acting(engine) as connection:
        if not (await connection.execute(_ACCOUNT_NAME, {"id": account_id, "name": name})).rowcount:
            raise Unknown(f"there is no account {account_id}")
    return account_id


async def _standing(connection: AsyncConnection, id_: str) -> Contact:
    """The contact of this id, standing by itself."""
    try:
        found = await find(connection, id_)
    except Invalid:
        raise Unknown(f"there is no contact {id_}") from None
    if found.merged_into is not None:
        raise Invalid(f"contact {found.id} is part of contact {found.root_id}; change that one")
    return await contact_by_id(connection, found.id)


async def _identify(connection: AsyncConnection, contact_id: str, known: Known, act: Act) -> None:
    owner = await connection.scalar(_OWNER, {"kind": known.kind, "value": known.value})
    if owner == contact_id:
        return
    if owner is not None:
        raise Invalid(f"{known.kind} {known.value} is contact {owner}; merge the two if they are one person")
    values = {"kind": known.kind, "value": known.value, "contact": contact_id, "by": act.actor.id or "agent"}
    await connection.execute(_IDENTIFY, values | {"now": act.now})
