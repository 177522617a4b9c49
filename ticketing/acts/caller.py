"""For whom a ticket is made by hand: somebody known, by id, mail address or number, or somebody new."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import phonenumbers
import sqlalchemy as sa
from pydantic import AfterValidator, Field, model_validator
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.contact_event import ContactEvent
from bus.errors import Invalid
from bus.message import AuthorKind
from bus.ticket_event import event_id
from ticketing.acts.answered import MAILABLE
from ticketing.acts.kind import Input
from ticketing.acts.scene import Stage
from ticketing.contacts import identity_value
from ticketing.outbox import Told
from ticketing.tables import contacts, identities

_BY_ID = sa.text("SELECT coalesce(root_id, id) AS id FROM desk.contacts WHERE id = :id")
_BY_IDENTITY = sa.text("""
SELECT coalesce(c.root_id, c.id) AS id FROM desk.identities i JOIN desk.contacts c ON c.id = i.contact_id
 WHERE i.kind = :kind AND i.value = :value
""")
_CONTACT = sa.text("""
SELECT c.id, c.name, c.language, c.account_id, c.version, c.created_at,
       ARRAY(SELECT ARRAY[i.kind, i.value] FROM desk.identities i JOIN desk.contacts k ON k.id = i.contact_id
              WHERE coalesce(k.root_id, k.id) = c.id ORDER BY i.kind, i.asserted_at, i.value) AS identities
  FROM desk.contacts c WHERE c.id = :id
""")
_ACCOUNT = sa.text("SELECT id FROM desk.accounts WHERE id = :named OR key = :named OR name = :named ORDER BY id")
_VERSION = sa.text("UPDATE desk.contacts SET version = :version WHERE id = :id")


def _e164(value: str) -> str:
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        raise ValueError("begin the number with + and the country's code") from None
    if not phonenumbers.is_possible_number(number):
        raise ValueError("this is no telephone number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


class Caller(Input):
    """`id`: of a contact. Else he is found by mail address or number, or made, with `name` and `account` (an account's
    id, key or name). An address or number that nobody has yet becomes his."""

    id: str | None = Field(default=None, max_length=100)
    email: str | None = Field(default=None, max_length=254, pattern=f"^{MAILABLE.pattern}$")
    phone: Annotated[str, Field(max_length=40), AfterValidator(_e164)] | None = None
    name: str | None = Field(default=None, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
    account: str | None = Field(default=None, min_length=1, max_length=200)

    @model_validator(mode="after")
    def _somebody(self) -> "Caller":
        if self.id is None and self.email is None and self.phone is None:
            raise ValueError("name a contact, a mail address or a telephone number")
        return self

    @property
    def known_by(self) -> dict[AuthorKind, str]:
        """The identities that were given."""
        found: dict[AuthorKind, str] = {}
        if self.phone is not None:
            found["phone"] = self.phone
        if self.email is not None:
            found["email"] = self.email
        return found


@dataclass(frozen=True, slots=True)
class Person:
    """Who he is. `known`: he has been a contact before; `fresh`: identities that are nobody's yet; `reached_by`: all
    of his, those that were given first."""

    id: str
    name: str | None
    language: str | None
    account_id: str | None
    version: int
    known: bool
    fresh: Sequence[tuple[AuthorKind, str]]
    reached_by: Mapping[AuthorKind, str]


async def owner(connection: AsyncConnection, kind: AuthorKind, address: str) -> str | None:
    """Whose identity it is."""
    values = {"kind": kind, "value": identity_value(kind, address)}
    found: str | None = await connection.scalar(_BY_IDENTITY, values)
    return found


async def person(connection: AsyncConnection, caller: Caller, new_id: str) -> Person:
    """Find him. Raises Invalid when he is not there, or is several people."""
    owners: dict[str, str] = {}
    fresh: list[tuple[AuthorKind, str]] = []
    for kind, address in caller.known_by.items():
        whose = await owner(connection, kind, address)
        if whose is None:
            fresh.append((kind, address))
        else:
            owners[address] = whose
    if caller.id is not None:
        chosen = await connection.scalar(_BY_ID, {"id": caller.id})
        if chosen is None:
            raise Invalid(f"there is no contact {caller.id}")
        owners[caller.id] = chosen
    several = set(owners.values())
    if len(several) > 1:
        shown = ", ".join(f"{given} is contact {id_}" for given, id_ in owners.items())
        raise Invalid(f"these are several people: {shown}; merge the contacts, or name one of them")
    if not several:
        account = await _account(connection, caller.account) if caller.account else None
        return Person(new_id, caller.name, None, account, 1, False, fresh, caller.known_by)
    row = (await connection.execute(_CONTACT, {"id": several.pop()})).one()
    reached: dict[AuthorKind, str] = {}
    for kind, value in row.identities:
        reached.setdefault(kind, value)
    return Person(
        row.id, row.name, row.language, row.account_id, row.version, True, fresh, {**reached, **caller.known_by}
    )


async def _account(connection: AsyncConnection, named: str) -> str:
    rows = (await connection.execute(_ACCOUNT, {"named": named})).all()
    if len(rows) != 1:
        raise Invalid(f"{named} is {len(rows)} accounts" if rows else f"there is no account {named}")
    return str(rows[0].id)


def keep(stage: Stage[Any], who: Person) -> None:
    """Write the contact, or what is new about it, and tell."""
    by = stage.who.agent_id
    if not who.known:
        stage.write(
            contacts,
            id=who.id,
            name=who.name,
            account_id=who.account_id,
            account_by="hand" if who.account_id else None,
            version=1,
            created_at=stage.now,
        )
        _tell(stage, who.id, 1, "contact.created", {"account_id": who.account_id} if who.account_id else {})
    elif who.fresh:
        stage.write(_VERSION, id=who.id, version=who.version + 1)
        _tell(stage, who.id, who.version + 1, "contact.updated", {"fields": {"identities": None}})
    for kind, address in who.fresh:
        stage.write(
            identities,
            kind=kind,
            value=identity_value(kind, address),
            contact_id=who.id,
            asserted_by=by,
            strength="agent",
            asserted_at=stage.now,
        )


def _tell(stage: Stage[Any], id_: str, version: int, type_: str, data: dict[str, object]) -> None:
    event = ContactEvent.model_validate(
        {
            "event_id": event_id(id_, stage.act.key, 0),
            "contact_id": id_,
            "version": version,
            "type": type_,
            "occurred_at": stage.now,
            "recorded_at": stage.now,
            "actor": stage.act.actor,
            "data": data,
        }
    )
    stage.decision.contact_events.append(Told(event))
