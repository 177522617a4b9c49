"""Who may do what: one table, one function. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What somebody is to the desk."""

    ADMIN = "admin"
    SUPERVISOR = "supervisor"
    AGENT = "agent"
    READ_ONLY = "read_only"
    INTEGRATION = "integration"


class Permission(StrEnum):
    """What can be allowed."""

    SEE_TICKETS = "see_tickets"
    WORK_TICKETS = "work_tickets"
    SEE_CONTACTS = "see_contacts"
    EDIT_CONTACTS = "edit_contacts"
    MANAGE_PEOPLE = "manage_people"
    SEE_FIGURES = "see_figures"


_SEES: Final = frozenset({Permission.SEE_TICKETS, Permission.SEE_CONTACTS, Permission.SEE_FIGURES})
_WORKS: Final = _SEES | {Permission.WORK_TICKETS, Permission.EDIT_CONTACTS}
_MAY: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.ADMIN: frozenset(Permission),
    Role.SUPERVISOR: _WORKS,
    Role.AGENT: _WORKS,
    Role.READ_ONLY: _SEES,
    Role.INTEGRATION: _WORKS,
}


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who acts. `scopes`, `departments`: None for all."""

    agent_id: str
    name: str
    roles: frozenset[Role]
    scopes: frozenset[Permission] | None = None
    departments: frozenset[str] | None = None


def may(who: Who, permission: Permission, department: str | None = None) -> bool:
    """Whether somebody may do this, in this department (None: in none in particular)."""
    if who.scopes is not None and permission not in who.scopes:
        return False
    if department is not None and who.departments is not None and department not in who.departments:
        return False
    return any(permission in _MAY[role] for role in who.roles)
