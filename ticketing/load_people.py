"""What filing reads of people: their contacts, accounts and earlier conversations. All under the desk's lock."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ticketing.accounts import AccountKey, AccountRules
from ticketing.contacts import About, People, identity_value, person_of
from ticketing.identities import PROVIDERS
from ticketing.incoming import Incoming
from ticketing.rows import texts

_PEOPLE = sa.text("""
SELECT w.person, i.contact_id AS own, i.identifying, r.id, r.account_id, r.language, r.language_declared, r.version,
       r.created_at
  FROM unnest(CAST(:persons AS text[]), CAST(:kinds AS text[]), CAST(:values AS text[])) AS w(person, kind, value)
  JOIN desk.identities i ON i.kind = w.kind AND i.value = w.value
  JOIN desk.contacts c ON c.id = i.contact_id JOIN desk.contacts r ON r.id = coalesce(c.root_id, c.id)
""")
_PROVIDERS = sa.text("""
SELECT coalesce(c.root_id, c.id) AS id, i.kind, i.value FROM desk.contacts c JOIN desk.identities i
    ON i.contact_id = c.id AND i.kind = ANY(CAST(:kinds AS text[]))
 WHERE c.id = ANY(CAST(:ids AS text[])) OR c.root_id = ANY(CAST(:ids AS text[]))
""")
_ACCOUNTS = sa.text("SELECT key, id FROM desk.accounts WHERE key = ANY(CAST(:keys AS text[]))")


async def people(connection: AsyncConnection, fresh: Sequence[Incoming], rules: AccountRules) -> People:
    """Everything that is known of the authors of these messages, and of what else they are said to be."""
    authors = [message for message in fresh if message.opens]
    wanted = {
        person_of(kind, address): (kind, identity_value(kind, address))
        for message in authors
        for kind, address in _identities(message)
    }
    if not wanted:
        return People()
    kinds, values = texts(kind for kind, _ in wanted.values()), texts(value for _, value in wanted.values())
    rows = await _all(connection, _PEOPLE, persons=texts(wanted), kinds=kinds, values=values)
    own = {row.person: row.own for row in rows}
    providers = await _providers(connection, {row.id for row in rows}) if any(m.author.also for m in authors) else {}
    keys = _keys((message for message in authors if message.person not in own), rules)
    return People(
        own=own,
        roots={row.own: row.id for row in rows},
        about={
            row.id: About(
                row.account_id,
                row.language,
                row.version,
                row.language_declared,
                frozenset(providers.get(row.id, ())),
                row.created_at,
            )
            for row in rows
        },
        keys=keys,
        accounts=await _accounts(connection, {found.key for found in keys.values()}),
        shared=frozenset(row.person for row in rows if not row.identifying),
    )


def _identities(message: Incoming) -> Iterable[tuple[str, str]]:
    yield message.author.kind, message.author.address
    yield from ((other.kind, other.address) for other in message.author.also)


def _keys(newcomers: Iterable[Incoming], rules: AccountRules) -> dict[str, AccountKey]:
    found = ((m.person, rules.of(m.author.address)) for m in newcomers if m.author.kind == "email")
    return {person: key for person, key in found if key is not None}


async def _accounts(connection: AsyncConnection, keys: set[str]) -> dict[str, str]:
    return {row.key: row.id for row in await _all(connection, _ACCOUNTS, keys=texts(keys))} if keys else {}


async def _providers(connection: AsyncConnection, ids: set[str]) -> dict[str, set[tuple[str, str]]]:
    found: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in await _all(connection, _PROVIDERS, ids=texts(ids), kinds=texts(sorted(PROVIDERS))) if ids else ():
        found[row.id].add((row.kind, row.value))
    return found


async def _all(connection: AsyncConnection, query: sa.TextClause, **values: object) -> Sequence[Any]:
    return (await connection.execute(query, values)).all()
