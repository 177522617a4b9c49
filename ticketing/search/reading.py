"""Which texts tickets and contacts are found by: read from the desk's tables."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.blobs import BlobStore
from bus.errors import Invalid
from bus.message import INLINE_TEXT_BYTES
from ticketing.rows import selected, texts
from ticketing.search.following import Work
from ticketing.search.words import number_words

Texts = dict[str, list[str]]
"""Of a ticket or contact, by its id: the texts it is found by."""

_ROOTS = sa.text("SELECT id, root_id FROM desk.tickets WHERE id = ANY(CAST(:ids AS text[]))")
_TICKETS = sa.text("""
SELECT t.root_id, t.number, t.subject, t.category, t.tags, c.name, a.name AS account,
       ARRAY(SELECT i.value FROM desk.identities i JOIN desk.contacts k ON k.id = i.contact_id
              WHERE k.id = t.contact_id OR k.root_id = t.contact_id) AS identities,
       ARRAY(SELECT f.name FROM desk.ticket_files f WHERE f.ticket_id = t.id) AS files
  FROM desk.tickets t LEFT JOIN desk.contacts c ON c.id = t.contact_id LEFT JOIN desk.accounts a ON a.id = t.account_id
 WHERE t.root_id = ANY(CAST(:ids AS text[]))
""")
_MESSAGES = sa.text("""
SELECT t.root_id, m.document FROM desk.messages m JOIN desk.tickets t ON t.id = m.ticket_id
 WHERE t.root_id = ANY(CAST(:ids AS text[])) OR m.id = ANY(CAST(:some AS text[]))
""")
_OURS = sa.text("""
SELECT t.root_id, w.text, w.attachments FROM desk.answers w JOIN desk.tickets t ON t.id = w.ticket_id
 WHERE t.root_id = ANY(CAST(:ids AS text[])) OR w.id = ANY(CAST(:answers AS text[]))
UNION ALL
SELECT t.root_id, n.text, n.attachments FROM desk.comments n JOIN desk.tickets t ON t.id = n.ticket_id
 WHERE t.root_id = ANY(CAST(:ids AS text[])) OR n.id = ANY(CAST(:comments AS text[]))
""")
_CONTACTS = sa.text("""
SELECT r.id, r.name, a.name AS account, a.key,
       ARRAY(SELECT b.name FROM desk.contacts b WHERE b.root_id = r.id AND b.name IS NOT NULL) AS also,
       (SELECT jsonb_agg(jsonb_build_array(i.kind, i.value)) FROM desk.identities i JOIN desk.contacts k
            ON k.id = i.contact_id WHERE k.id = r.id OR k.root_id = r.id) AS identities
  FROM desk.contacts r LEFT JOIN desk.accounts a ON a.id = r.account_id
 WHERE r.id IN (SELECT coalesce(c.root_id, c.id) FROM desk.contacts c WHERE c.id = ANY(CAST(:ids AS text[])))
""")


async def ticket_texts(connection: AsyncConnection, blobs: BlobStore, todo: Work) -> tuple[Texts, Texts, list[str]]:
    """All texts of the tickets to be read as a whole; what has come to others; those that are part of another."""
    rows = await selected(connection, _ROOTS, ids=texts(todo.tickets))
    parts = sorted(row.id for row in rows if row.id != row.root_id)
    roots = {row.root_id for row in rows}
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in await selected(connection, _TICKETS, ids=texts(roots)):
        said = (row.subject, row.category, row.name, row.account, *row.tags, *row.identities, *row.files)
        found[row.root_id] += [str(row.number), *filter(None, said)]
    for row in await selected(connection, _MESSAGES, ids=texts(roots), some=texts(todo.messages)):
        found[row.root_id] += await _of_message(json.loads(row.document), blobs)
    ours = {"answers": texts(todo.answers), "comments": texts(todo.comments)}
    for row in await selected(connection, _OURS, ids=texts(roots), **ours):
        found[row.root_id] += [row.text, *(file["name"] for file in row.attachments)]
    whole = {id_: said for id_, said in found.items() if id_ in roots}
    return whole, {id_: said for id_, said in found.items() if id_ not in roots}, parts


async def contact_texts(connection: AsyncConnection, ids: Collection[str]) -> tuple[Texts, list[str]]:
    """The texts of these contacts, or of those they are part of; and which of them are part of another."""
    found: Texts = {}
    for row in await selected(connection, _CONTACTS, ids=texts(ids)):
        said = [row.name, row.account, row.key, *row.also, *_of_identities(row.identities or ())]
        found[row.id] = [each for each in said if each]
    return found, sorted(set(ids) - set(found))


def _of_identities(identities: Sequence[tuple[str, str]]) -> Iterator[str]:
    for kind, value in identities:
        yield value
        if kind == "phone":
            yield " ".join(number_words(value))


async def _of_message(document: Mapping[str, Any], blobs: BlobStore) -> list[str]:
    author = document["author"]
    said = [document.get("subject"), author.get("name"), author["address"]]
    said += [attachment["name"] for attachment in document.get("attachments", ())]
    said += (document.get("fields") or {}).values()
    text = document.get("text")
    if isinstance(text, dict):
        text = await _beginning(text["blob"], blobs)
    return [each for each in (*said, text) if each]


async def _beginning(blob: str, blobs: BlobStore) -> str | None:
    """Of a long text; one that is gone is found by nothing."""
    try:
        data = await blobs.get(blob)
    except Invalid:
        return None
    return await asyncio.to_thread(lambda: data[:INLINE_TEXT_BYTES].decode("utf-8", "ignore"))
