"""Agents, departments and teams as they are shown, made and changed; of a change, what is not given stays."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ticketing.people.passwords import LONGEST, SHORTEST
from ticketing.people.policy import Permission, Role

_LINE = r"^[^\x00-\x1f\x7f\u2028\u2029]*$"
_LINES = r"^[^\x00-\x08\x0b-\x1f\x7f]*$"
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_LINE)]
Email = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, max_length=254, pattern=r"^[!-;=?A-~]+@[!-;=?A-~]+$")
]
Signature = Annotated[str, StringConstraints(max_length=5_000, pattern=_LINES)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Rating = Literal["off", "each_reply", "at_close"]
Notification = Literal["assigned", "answered", "due_soon", "overdue", "deferred", "escalated"]


class Shown(BaseModel):
    """What is read."""

    model_config = ConfigDict(frozen=True)


class Given(BaseModel):
    """What is written: nothing that is not known, nothing repeated in errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Agent(Shown):
    """Somebody, or something, that works the tickets. `departments`, `teams`: ids."""

    id: str
    name: str
    email: str | None
    roles: list[Role]
    departments: list[str]
    teams: list[str]
    language: str | None
    signature: str | None
    notify: list[Notification] | None
    has_password: bool
    created_at: datetime
    disabled_at: datetime | None


class NewAgent(Given):
    """An agent to make. `email`: needed to log in with a password and to be notified."""

    name: Name
    email: Email | None = None
    roles: Annotated[frozenset[Role], Field(min_length=1)] = frozenset({Role.AGENT})
    departments: frozenset[Id] = frozenset()
    teams: frozenset[Id] = frozenset()
    language: Language | None = None
    signature: Signature | None = None


class ProfileEdit(Given):
    """What agents change of themselves. `notify`: what to be told of by mail; null: all of it."""

    language: Language | None = None
    signature: Signature | None = None
    notify: frozenset[Notification] | None = None


class AgentEdit(ProfileEdit):
    """What an admin changes of an agent."""

    name: Name | None = None
    email: Email | None = None
    roles: Annotated[frozenset[Role], Field(min_length=1)] | None = None
    departments: frozenset[Id] | None = None
    teams: frozenset[Id] | None = None
    disabled: bool | None = None


class Department(Shown):
    """`reply_via`: the connector whose server sends its replies; null: the one the ticket came by."""

    id: str
    name: str
    from_address: str | None
    from_name: str | None
    reply_via: str | None
    signature: str | None
    language: str | None
    rating: Rating
    members: list[str]
    created_at: datetime


class DepartmentEdit(Given):
    """What is changed of a department; null takes a value away."""

    name: Name | None = None
    from_address: Email | None = None
    from_name: Name | None = None
    reply_via: Name | None = None
    signature: Signature | None = None
    language: Language | None = None
    rating: Rating | None = None
    members: frozenset[Id] | None = None


class NewDepartment(DepartmentEdit):
    """A department to make. `id`: what `[threading.connectors.NAME] department` says."""

    id: Id
    name: Name
    rating: Rating = "off"
    members: frozenset[Id] = frozenset()


class Team(Shown):
    """Agents to whom a ticket can be given together."""

    id: str
    name: str
    department_id: str | None
    members: list[str]
    created_at: datetime


class TeamEdit(Given):
    """What is changed of a team."""

    name: Name | None = None
    department_id: Id | None = None
    members: frozenset[Id] | None = None


class NewTeam(TeamEdit):
    """A team to make."""

    name: Name
    members: frozenset[Id] = frozenset()


class Token(Shown):
    """A token without its secret. `scopes`: null: all its agent may."""

    id: str
    agent_id: str
    kind: Literal["token", "session"]
    name: str
    scopes: list[Permission] | None
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


class LogIn(Given):
    """A mail address and a password."""

    email: Annotated[str, Field(max_length=254)]
    password: Annotated[str, Field(max_length=1_000)]


class NewPassword(Given):
    """A password to set."""

    password: Annotated[str, Field(min_length=SHORTEST, max_length=LONGEST)]


class OwnPassword(NewPassword):
    """A password to set in place of one that is known."""

    old: Annotated[str, Field(max_length=1_000)]


class TokenOnce(Shown):
    """A token as it is shown, this once."""

    id: str
    token: str
    expires_at: datetime


class AgentList(Shown):
    """All agents."""

    items: list[Agent]


class DepartmentList(Shown):
    """All departments."""

    items: list[Department]


class TeamList(Shown):
    """All teams."""

    items: list[Team]


class TokenList(Shown):
    """An agent's tokens."""

    items: list[Token]


class NewTokenGiven(Given):
    """A token to make."""

    name: Name
    days: Annotated[int, Field(ge=1, le=366)] = 90
    scopes: frozenset[Permission] | None = None
