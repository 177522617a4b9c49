"""Contacts and accounts as the API takes and shows them."""

from typing import Annotated, Any, Self

import phonenumbers
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from bus.message import AuthorKind
from bus.model import Time
from ticketing.api.cursors import CursorQuery, LimitQuery
from ticketing.api.filters import Id
from ticketing.contact_editing import Known

_LINE = r"^[^\x00-\x1f\x7f\u2028\u2029]+$"
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_LINE)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")]
AccountRef = Annotated[str, Field(max_length=253, pattern=_LINE, description="An account's id, domain or name.")]


class Given(BaseModel):
    """What is written: nothing that is not known; errors repeat nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Shown(BaseModel):
    """What is read."""

    model_config = ConfigDict(frozen=True)


class GivenIdentity(Given):
    """By what somebody is known. A telephone number in the international form: `+31 20 555 0100`."""

    kind: AuthorKind
    address: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=254, pattern=_LINE)]

    @model_validator(mode="after")
    def _has_the_form(self) -> Self:
        if self.kind == "email" and not _is_mail(self.address):
            raise ValueError("is no mail address")
        if self.kind == "phone":
            object.__setattr__(self, "address", _e164(self.address))
        return self

    @property
    def known(self) -> Known:
        """As contacts take it."""
        return Known(self.kind, self.address)


class NewContact(Given):
    """A contact to make."""

    name: Name | None = None
    language: Language | None = None
    account: AccountRef | None = None
    identities: Annotated[list[GivenIdentity], Field(max_length=20)] = []

    @model_validator(mode="after")
    def _is_somebody(self) -> Self:
        if self.name is None and not self.identities:
            raise ValueError("give a name, or by what the contact is known")
        return self


class ContactEdit(Given):
    """What is not named stays as it is; null takes it away."""

    name: Name | None = None
    language: Language | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("name what is to change")
        return self


class Into(Given):
    """Which contact it becomes a part of."""

    into: Id


class To(Given):
    """The account; null: none. `new`: make it if there is none of this name."""

    account: AccountRef | None
    new: bool = False


class Sharing(Given):
    """Whether several people use an identity, so that it says nothing about who somebody is."""

    kind: AuthorKind
    address: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=_LINE)]
    shared: bool


class Marked(Shown):
    """How many identities it was."""

    marked: int


class Identity(Shown):
    """By what a contact is known, who says so and how strongly. `contact_id`: the part of the contact it belongs to.

    `identifying` false: several people use it.
    """

    kind: str
    value: str
    contact_id: str
    asserted_by: str
    strength: str
    asserted_at: Time
    identifying: bool


class Contact(Shown):
    """A customer. `absorbed`: ids of contacts that are part of this one; `tickets`: how many, but for merged ones."""

    id: str
    name: str | None
    language: str | None
    account_id: str | None
    account: str | None
    account_by: str | None
    merged_into: str | None
    identities: list[Identity]
    absorbed: list[str]
    tickets: int
    version: int
    created_at: Time


class ContactQuery(Given):
    """`text`: beginnings of words of the name, addresses, numbers, the account; `account`: its id."""

    text: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")] | None = None
    account: Id | None = None
    limit: LimitQuery = 50
    cursor: CursorQuery = None


class ContactPage(Shown):
    """A page of contacts, the newest first. `next`: the cursor of the page after; null: the last."""

    items: list[Contact]
    next: str | None = None


class Suggestion(Shown):
    """Two contacts that may be one person, and why."""

    contact_id: str
    other_id: str
    evidence: list[dict[str, Any]]


class Suggestions(Shown):
    """A page of pairs; nothing joins them by itself. `next`: the cursor of the page after; null: the last."""

    items: list[Suggestion]
    next: str | None = None


class NewAccount(Given):
    """An account to make. `key`: its domain, or a name that no other has; by default `name`."""

    name: Name
    key: (
        Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, max_length=253, pattern=_LINE)] | None
    ) = None


class AccountEdit(Given):
    """What it is called."""

    name: Name


class Account(Shown):
    """A customer that is a company. `key`: its domain, or how a rule calls it."""

    id: str
    key: str
    name: str
    contacts: int
    tickets: int
    created_at: Time


class AccountQuery(Given):
    """`text`: a piece of the name or domain."""

    text: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")] | None = None
    limit: LimitQuery = 50
    cursor: CursorQuery = None


class AccountPage(Shown):
    """A page of accounts, by name. `next`: the cursor of the page after; null: the last."""

    items: list[Account]
    next: str | None = None


def _is_mail(address: str) -> bool:
    local, at, domain = address.rpartition("@")
    return bool(at and local and domain) and not any(c.isspace() for c in address)


def _e164(number: str) -> str:
    try:
        found = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        found = None
    if found is None or not phonenumbers.is_possible_number(found):
        raise ValueError("is no telephone number in the international form, such as +31 20 555 0100")
    return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)
