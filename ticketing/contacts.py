"""Who wrote it (threading §4): the contact that an identity is tied to, and what its channel says of it. Pure.

An identity belongs to one contact, by the assertion that came first. A further identity of a message's author is tied
to the same contact when the channel vouches for it and nothing speaks against it; where something does, the claim is
kept, and becomes a suggestion to an agent. Contacts that exist are never merged here.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bus.contact_event import ContactEvent
from bus.ticket_event import Actor, event_id
from ticketing.accounts import AccountKey
from ticketing.identities import PROVIDERS, Strength, is_role, strength_of
from ticketing.incoming import Incoming
from ticketing.outbox import Told

_LONGEST = 500
"""An identity is the key of an index, whose entries PostgreSQL limits; no real address comes near."""


@dataclass(frozen=True, slots=True)
class NewContact:
    """A contact seen for the first time, and the identity it was seen under."""

    id: str
    kind: str
    value: str
    name: str | None
    language: str | None
    message: Incoming
    account_id: str | None = None
    account_by: str | None = None
    strength: Strength = "claimed"


@dataclass(frozen=True, slots=True)
class Assertion:
    """Somebody says that an identity is a contact's. `ties`: it belongs to that contact from now on."""

    contact_id: str
    kind: str
    value: str
    strength: Strength
    ties: bool


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a contact that others were merged into, or of one by itself."""

    account_id: str | None = None
    language: str | None = None
    version: int = 1
    language_declared: bool = False
    providers: frozenset[tuple[str, str]] = frozenset()
    since: datetime | None = None

    def known_before(self, now: datetime) -> bool:
        """For longer than a day: so long, nobody prepares a nuisance."""
        return self.since is not None and self.since + timedelta(days=1) <= now


@dataclass(frozen=True, slots=True)
class People:
    """What the desk knows of a batch's authors.

    `own`: person → the contact its identity belongs to; `roots`: that contact → the one it is part of today;
    `about`: the latter. `keys`: person → its account's key; `accounts`: key → account id. `shared`: persons whose
    identity was marked as not identifying.
    """

    own: Mapping[str, str] = field(default_factory=dict)
    roots: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, About] = field(default_factory=dict)
    keys: Mapping[str, AccountKey] = field(default_factory=dict)
    accounts: Mapping[str, str] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()


def identity_value(kind: str, address: str) -> str:
    """The form under which an address is looked up: mail addresses do not differ by case in practice."""
    value = address.lower() if kind == "email" else address
    if len(value) <= _LONGEST:
        return value
    return f"{value[:100]}…{hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()}"


def person_of(kind: str, address: str) -> str:
    """One text for an identity; a mail address is its own, so that authors and addressees compare."""
    value = identity_value(kind, address)
    return value if kind == "email" else f"{kind}:{value}"


class Contacts:
    """The contacts of a batch's authors: those known, and those it brings."""

    def __init__(self, known: Mapping[str, str], mint: Callable[[], str], people: People | None = None) -> None:
        self._people = people or People()
        self._own = {**known, **self._people.own}
        self._about = dict(self._people.about)
        self._accounts = dict(self._people.accounts)
        self._mint = mint
        self.new: list[NewContact] = []
        self.accounts: dict[str, str] = {}
        self.assertions: dict[tuple[str, str, str], Assertion] = {}
        self.grown: dict[str, Incoming] = {}
        self.languages: dict[str, str] = {}

    def of(self, message: Incoming) -> str:
        """The id of the author's contact, that others may have been merged into."""
        own = self.own(message)
        return self._people.roots.get(own, own)

    def own(self, message: Incoming) -> str:
        """The id of the contact to which the author's identity belongs by itself."""
        found = self._own.get(message.person)
        if found is None:
            found = self._own[message.person] = self._tied(message) or self._brought(message)
        return found

    def about(self, contact_id: str) -> About:
        """What is known of a contact, this batch included."""
        return self._about.get(contact_id, About())

    def hear(self, message: Incoming) -> None:
        """Take note of what else the channel says of the author, and of the language."""
        contact = self.of(message)
        for other in message.author.also:
            kind, value = other.kind, identity_value(other.kind, other.address)
            person = person_of(kind, value)
            if not value or person == message.person:
                continue
            strength = strength_of(kind, verified=other.verified)
            owner = self._own.get(person)
            if owner is not None and self._people.roots.get(owner, owner) == contact:
                continue
            ties = owner is None and self._ties(kind, value, strength) and self._fits(contact, kind, value)
            if ties:
                self._own[person] = contact
                self._grow(contact, kind, value, message)
            said = Assertion(contact, kind, value, strength, ties)
            self.assertions.setdefault((contact, kind, value), said)
        self._speaks(contact, message)

    def next_version(self, contact_id: str) -> int:
        """The version of an event more."""
        known = self.about(contact_id)
        self._about[contact_id] = replace(known, version=known.version + 1)
        return known.version + 1

    def _tied(self, message: Incoming) -> str | None:
        """The contact of another identity that the channel vouches for, if there is exactly one it can be."""
        author = message.author
        if not (author.verified and author.also):
            return None
        value = identity_value(author.kind, author.address)
        found: set[str] = set()
        for other in author.also:
            kind, also = other.kind, identity_value(other.kind, other.address)
            owner = self._own.get(person_of(kind, also))
            if owner is not None and self._ties(kind, also, strength_of(kind, verified=other.verified)):
                found.add(self._people.roots.get(owner, owner))
        if len(found) != 1:
            return None
        [contact] = found
        if not self._fits(contact, author.kind, value):
            return None
        strength = strength_of(author.kind, verified=True)
        self.assertions[contact, author.kind, value] = Assertion(contact, author.kind, value, strength, ties=True)
        self._grow(contact, author.kind, value, message)
        return contact

    def _ties(self, kind: str, value: str, strength: Strength) -> bool:
        return strength != "claimed" and not is_role(kind, value) and person_of(kind, value) not in self._people.shared

    def _fits(self, contact: str, kind: str, value: str) -> bool:
        """Two different ids of providers are two people, whatever address or number they share."""
        return kind not in PROVIDERS or self.about(contact).providers <= {(kind, value)}

    def _grow(self, contact: str, kind: str, value: str, message: Incoming) -> None:
        before = self.about(contact)
        providers = before.providers | ({(kind, value)} if kind in PROVIDERS else set())
        version = before.version
        if contact not in self.grown and not any(new.id == contact for new in self.new):
            version += 1
            self.grown[contact] = message
        self._about[contact] = replace(before, version=version, providers=providers)

    def _brought(self, message: Incoming) -> str:
        author = message.author
        value = identity_value(author.kind, author.address)
        id_ = self._mint()
        account, by = self._account(message)
        strength = strength_of(author.kind, verified=author.verified)
        language = message.declared or message.language
        self.new.append(NewContact(id_, author.kind, value, author.name, language, message, account, by, strength))
        provider = {(author.kind, value)} if author.kind in PROVIDERS else set()
        # no language yet: its own words are not its earlier conversation
        self._about[id_] = About(account, None, 1, providers=frozenset(provider))
        return id_

    def _account(self, message: Incoming) -> tuple[str | None, str | None]:
        found = self._people.keys.get(message.person)
        if found is None:
            return None, None
        if found.key not in self._accounts:
            self._accounts[found.key] = self.accounts[found.key] = self._mint()
        return self._accounts[found.key], found.by

    def _speaks(self, contact: str, message: Incoming) -> None:
        """The language of the latest conversation, unless somebody has set one."""
        language, before = message.declared or message.language, self._people.about.get(contact)
        if language and before is not None and not before.language_declared and language != before.language:
            self.languages[contact] = language


def created(contact: NewContact, now: datetime) -> Told[ContactEvent]:
    """What the world is told of a new contact: that it is there."""
    event = ContactEvent(
        event_id=event_id(contact.id, contact.message.id, 0),
        contact_id=contact.id,
        version=1,
        type="contact.created",
        occurred_at=contact.message.occurred_at,
        recorded_at=now,
        actor=Actor(kind="customer", id=contact.id),
        data={"account_id": contact.account_id} if contact.account_id else {},
    )
    return Told(event, contact.message.traceparent)


def grown(contact_id: str, version: int, message: Incoming, now: datetime) -> Told[ContactEvent]:
    """What the world is told when a contact has an identity more."""
    event = ContactEvent(
        event_id=event_id(contact_id, message.id, 0),
        contact_id=contact_id,
        version=version,
        type="contact.updated",
        occurred_at=message.occurred_at,
        recorded_at=now,
        actor=Actor(kind="system"),
        data={"fields": {"identities": None}},
    )
    return Told(event, message.traceparent)
