"""Who may do what: one table, one function. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What somebody is at the desk. Whoever has several may do what any of them may."""

    ADMIN = "admin"
    SUPERVISOR = "supervisor"
    AGENT = "agent"
    READ_ONLY = "read_only"
    INTEGRATION = "integration"


class Permission(StrEnum):
    """What an endpoint, a command or an act asks for; also the scopes of a token."""

    SEE_TICKETS = "see_tickets"
    WORK_TICKETS = "work_tickets"
    SEE_CONTACTS = "see_contacts"
    EDIT_CONTACTS = "edit_contacts"
    SEE_FIGURES = "see_figures"
    SEE_PEOPLE = "see_people"
    MANAGE_PEOPLE = "manage_people"
    MANAGE_SETTINGS = "manage_settings"


# `all`: in every department; `own`: in one's own and in the common one (""); `-`: nowhere
_TABLE: Final = """
                  admin   supervisor   agent   read_only   integration
see_tickets       all     own          own     own         own
work_tickets      all     own          own     -           own
see_contacts      all     all          all     all         all
edit_contacts     all     all          all     -           all
see_figures       all     all          all     all         all
see_people        all     all          all     all         all
manage_people     all     -            -       -           -
manage_settings   all     -            -       -           -
"""


def _read(table: str) -> dict[tuple[Role, Permission], str]:
    heads, *lines = (line.split() for line in table.strip().splitlines())
    return {
        (Role(role), Permission(name)): reach
        for name, *cells in lines
        for role, reach in zip(heads, cells, strict=True)
    }


TABLE: Final = _read(_TABLE)
"""Role and permission → `all`, `own` or `-`."""

COMMON: Final = ""
"""The department of tickets that came by a connector without one: everybody's."""


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who has shown who he is. `scopes`: what the token is limited to; None: not limited.

    `agent_id` is what events name as their actor. `departments`: ids of those he is a member of. `token_id`: of what
    he showed.
    """

    agent_id: str
    name: str
    roles: frozenset[Role]
    scopes: frozenset[Permission] | None = None
    departments: frozenset[str] = frozenset()
    token_id: str | None = None


def reach(who: Who, permission: Permission) -> frozenset[str] | None:
    """The departments in which it may be done, for use in a query. None: in every one; empty: nowhere."""
    if who.scopes is not None and permission not in who.scopes:
        return frozenset()
    cells = {TABLE[role, permission] for role in who.roles}
    if "all" in cells:
        return None
    return who.departments | {COMMON} if "own" in cells else frozenset()


def narrowed(who: Who, scopes: frozenset[Permission] | None) -> frozenset[Permission] | None:
    """The scopes of a token that `who` makes with a token of his own: what is asked, as far as that one reaches."""
    if who.scopes is None or scopes is None:
        return who.scopes if scopes is None else scopes
    return scopes & who.scopes


def may(who: Who, permission: Permission, department: str | None = None) -> bool:
    """Whether it may be done in this department; without one: whether anywhere at all."""
    where = reach(who, permission)
    if where is None:
        return True
    return bool(where) if department is None else department in where
