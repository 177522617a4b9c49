"""Writing what a decision says of people: contacts, the identities tied to them, accounts, languages."""

from datetime import datetime

import sqlalchemy as sa

from bus.together import Executes
from ticketing import tables as t
from ticketing.decision import Decision
from ticketing.rows import encode, insert_rows, texts

_GROWN = sa.text("""
UPDATE desk.contacts AS c SET version = n.version
FROM unnest(CAST(:ids AS text[]), CAST(:versions AS int4[])) AS n(id, version) WHERE c.id = n.id
""")
_LANGUAGES = sa.text("""
UPDATE desk.contacts AS c SET language = n.language
FROM unnest(CAST(:ids AS text[]), CAST(:languages AS text[])) AS n(id, language) WHERE c.id = n.id
""")


async def store_people(connection: Executes, decision: Decision, now: datetime) -> None:
    """Everything about people but the events."""
    await insert_rows(
        connection,
        t.accounts,
        [{"id": id_, "key": key, "name": key, "created_at": now} for key, id_ in decision.accounts.items()],
    )
    await insert_rows(
        connection,
        t.contacts,
        [
            {
                "id": c.id,
                "name": c.name,
                "language": c.language,
                "account_id": c.account_id,
                "account_by": c.account_by,
                "version": 1,
                "created_at": now,
            }
            for c in decision.contacts
        ],
    )
    tied = [(c.id, c.kind, c.value, c.strength) for c in decision.contacts]
    tied += [(said.contact_id, said.kind, said.value, said.strength) for said in decision.assertions if said.ties]
    await insert_rows(
        connection,
        t.identities,
        [
            {
                "kind": kind,
                "value": value,
                "contact_id": id_,
                "asserted_by": "channel",
                "strength": strength,
                "asserted_at": now,
            }
            for id_, kind, value, strength in tied
        ],
    )
    await insert_rows(
        connection,
        t.assertions,
        [
            {
                "kind": said.kind,
                "value": said.value,
                "contact_id": said.contact_id,
                "asserted_by": "channel",
                "strength": said.strength,
                "asserted_at": now,
            }
            for said in decision.assertions
            if not said.ties
        ],
        # a stronger assertion replaces a weaker one: `claimed` sorts before `provider` and `verified`
        suffix="ON CONFLICT (kind, value, contact_id, asserted_by) DO UPDATE SET "
        "strength = greatest(assertions.strength, excluded.strength)",
    )
    if decision.grown:
        values = {"ids": texts(decision.grown), "versions": encode(t.contacts.c.version, decision.grown.values())}
        await connection.execute(_GROWN, values)
    if decision.languages:
        values = {"ids": texts(decision.languages), "languages": texts(decision.languages.values())}
        await connection.execute(_LANGUAGES, values)
