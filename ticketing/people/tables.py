"""Agents, teams, departments, and by what they prove who they are (schema `desk`)."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from ticketing.tables import metadata, moment

agents = sa.Table(
    "agents",
    metadata,
    # what events name as their actor; never used again
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    # where notifications go and what a login names; lower case
    sa.Column("email", sa.Text, unique=True),
    sa.Column("roles", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("language", sa.Text),
    # below the agent's replies; null: the department's
    sa.Column("signature", sa.Text),
    # what the agent is told by mail: null is the default of all (ticketing.notifications)
    sa.Column("notify", pg.ARRAY(sa.Text)),
    moment("created_at"),
    moment("disabled_at", nullable=True),
)

passwords = sa.Table(
    "passwords",
    metadata,
    # apart from `agents`, so that no list of agents can carry one
    sa.Column("agent_id", sa.Text, sa.ForeignKey("desk.agents.id"), primary_key=True),
    # argon2id with its parameters and salt, in PHC form
    sa.Column("hash", sa.Text, nullable=False),
    moment("set_at"),
)

departments = sa.Table(
    "departments",
    metadata,
    # as `[threading.connectors.NAME] department` names it
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    # From of its replies, and the connector whose server sends them; null: those of the ticket's own connector
    sa.Column("from_address", sa.Text),
    sa.Column("from_name", sa.Text),
    sa.Column("reply_via", sa.Text),
    sa.Column("signature", sa.Text),
    sa.Column("language", sa.Text),
    # when customers are asked how it was: `off`, `each_reply` or `at_close`
    sa.Column("rating", sa.Text, nullable=False, server_default="off"),
    moment("created_at"),
)

department_members = sa.Table(
    "department_members",
    metadata,
    sa.Column("department_id", sa.Text, sa.ForeignKey("desk.departments.id"), primary_key=True),
    sa.Column("agent_id", sa.Text, sa.ForeignKey("desk.agents.id"), primary_key=True, index=True),
)

teams = sa.Table(
    "teams",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("department_id", sa.Text, sa.ForeignKey("desk.departments.id")),
    moment("created_at"),
)

team_members = sa.Table(
    "team_members",
    metadata,
    sa.Column("team_id", sa.Text, sa.ForeignKey("desk.teams.id"), primary_key=True),
    sa.Column("agent_id", sa.Text, sa.ForeignKey("desk.agents.id"), primary_key=True, index=True),
)

api_tokens = sa.Table(
    "api_tokens",
    metadata,
    # the part of a token that is no secret, by which it is found
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("agent_id", sa.Text, sa.ForeignKey("desk.agents.id"), nullable=False, index=True),
    # `token`, or `session`: what a login gives for some hours
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    # sha256 of the secret part, which has 256 bits of its own: nothing slower is needed
    sa.Column("hash", sa.LargeBinary, nullable=False),
    # what it is limited to; null: to nothing less than its agent
    sa.Column("scopes", pg.ARRAY(sa.Text)),
    moment("created_at"),
    moment("expires_at"),
    moment("used_at", nullable=True),
    moment("revoked_at", nullable=True),
)

login_failures = sa.Table(
    "login_failures",
    metadata,
    # whose failures are counted: an address of the network, a name, or both; forgotten when the window is over
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    moment("since"),
)
