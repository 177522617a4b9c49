"""Contacts and accounts, looked up: a page of them, one of them, those that may be one person."""

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ticketing.acts.errors import Unknown
from ticketing.api.contact_models import (
    Account,
    AccountPage,
    AccountQuery,
    Contact,
    ContactPage,
    ContactQuery,
    Suggestion,
    Suggestions,
)
from ticketing.api.cursors import from_cursor, list_id, to_cursor
from ticketing.contact_suggestions import SUGGESTIONS, suggested
from ticketing.looking import CONTACT
from ticketing.rows import selected
from ticketing.search.words import query

_KEYS: Final = "SELECT c.id, c.created_at FROM desk.contacts c WHERE c.root_id IS NULL"
_BEFORE: Final = " AND (c.created_at, c.id) < (CAST(:at AS timestamptz), CAST(:id AS text))"
_OF_ACCOUNT: Final = " AND c.account_id = :account"
_IN_IT: Final = " AND c.id IN (SELECT w.contact_id FROM desk.contact_words w WHERE w.words @@ CAST(:words AS tsquery))"
# the driver's form of a percent sign
_DOCUMENT: Final = CONTACT.replace("%%", "%")
_PAGE: Final = "WITH page AS MATERIALIZED ({keys} ORDER BY c.created_at DESC, c.id DESC LIMIT :limit) "
_ONE = sa.text(f"{_DOCUMENT} WHERE c.id = :id")
_ACCOUNT: Final = """
SELECT a.id, a.key, a.name, a.created_at,
       (SELECT count(*) FROM desk.contacts c WHERE c.account_id = a.id AND c.root_id IS NULL) AS contacts,
       (SELECT count(*) FROM desk.tickets t WHERE t.account_id = a.id AND t.root_id = t.id) AS tickets
  FROM desk.accounts a
"""
_AN_ACCOUNT = sa.text(f"{_ACCOUNT} WHERE a.id = :id")
_ACCOUNTS = sa.text(f"""
{_ACCOUNT} WHERE (CAST(:text AS text) IS NULL OR strpos(lower(a.name || ' ' || a.key), lower(:text)) > 0)
   AND (CAST(:name AS text) IS NULL OR (a.name, a.id) > (CAST(:name AS text), CAST(:id AS text)))
 ORDER BY a.name, a.id LIMIT :limit
""")
_SUGGESTIONS = sa.text(f"""
SELECT * FROM (
    SELECT s.*, dense_rank() OVER (ORDER BY one, other) AS pair FROM ({SUGGESTIONS.replace("%%", "%")}) s
     WHERE CAST(:one AS text) IS NULL OR (one, other) > (CAST(:one AS text), CAST(:other AS text))
) s WHERE pair <= :pairs ORDER BY pair, asserted_at DESC NULLS LAST, evidence, kind, value
""")  # noqa: S608  # our own query


async def contact_page(connection: AsyncConnection, asked: ContactQuery) -> ContactPage:
    """A page of contacts. Raises Refused for a cursor that is none."""
    own = list_id("contacts", asked.text, asked.account)
    place = from_cursor(own, asked.cursor, (datetime, str))
    values: dict[str, Any] = {"limit": asked.limit + 1}
    keys = _KEYS
    if place is not None:
        keys += _BEFORE
        values |= {"at": place[0], "id": place[1]}
    if asked.account is not None:
        keys += _OF_ACCOUNT
        values["account"] = asked.account
    if asked.text is not None:
        words = query(asked.text)
        if words is None:
            return ContactPage(items=[])
        keys += _IN_IT
        values["words"] = words
    statement = (
        f"{_PAGE.format(keys=keys)} {_DOCUMENT} JOIN page ON page.id = c.id ORDER BY c.created_at DESC, c.id DESC"
    )
    rows = await selected(connection, sa.text(statement), **values)
    shown = rows[: asked.limit]
    last = shown[-1] if len(rows) > asked.limit else None
    return ContactPage(
        items=[Contact.model_validate(row._asdict()) for row in shown],
        next=None if last is None else to_cursor(own, (last.created_at.isoformat(), last.id)),
    )


async def one_contact(connection: AsyncConnection, id_: str) -> Contact:
    """The contact of an id; one that is part of another says so. Raises Unknown."""
    rows = await selected(connection, _ONE, id=id_)
    if not rows:
        raise Unknown(f"there is no contact {id_}")
    return Contact.model_validate(rows[0]._asdict())


async def suggestions(connection: AsyncConnection, limit: int, cursor: str | None) -> Suggestions:
    """A page of pairs that may be one person. Raises Refused for a cursor that is none."""
    own = list_id("suggestions")
    one, other = from_cursor(own, cursor, (str, str)) or (None, None)
    found: list[Suggestion] = []
    while len(found) <= limit:  # what is only evidence of a role address is no pair
        rows = await selected(connection, _SUGGESTIONS, one=one, other=other, pairs=limit + 1)
        if not rows:
            break
        found += map(Suggestion.model_validate, suggested(rows))
        one, other = rows[-1].one, rows[-1].other
    shown = found[:limit]
    last = shown[-1] if len(found) > limit else None
    return Suggestions(items=shown, next=None if last is None else to_cursor(own, (last.contact_id, last.other_id)))


async def account_page(connection: AsyncConnection, asked: AccountQuery) -> AccountPage:
    """A page of accounts. Raises Refused for a cursor that is none."""
    own = list_id("accounts", asked.text)
    name, id_ = from_cursor(own, asked.cursor, (str, str)) or (None, None)
    rows = await selected(connection, _ACCOUNTS, text=asked.text, name=name, id=id_, limit=asked.limit + 1)
    shown = rows[: asked.limit]
    last = shown[-1] if len(rows) > asked.limit else None
    return AccountPage(
        items=[Account.model_validate(row._asdict()) for row in shown],
        next=None if last is None else to_cursor(own, (last.name, last.id)),
    )


async def one_account(connection: AsyncConnection, id_: str) -> Account:
    """The account of an id. Raises Unknown."""
    rows = await selected(connection, _AN_ACCOUNT, id=id_)
    if not rows:
        raise Unknown(f"there is no account {id_}")
    return Account.model_validate(rows[0]._asdict())
