"""Agents, teams, departments, tokens and passwords; a ticket belongs to a department."""

from alembic import op

revision = "0004_people"
down_revision = "0003"

_CHANGES = """
CREATE TABLE desk.agents (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    roles TEXT[] NOT NULL,
    language TEXT,
    signature TEXT,
    notify TEXT[],
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    disabled_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    UNIQUE (email)
);
CREATE TABLE desk.passwords (
    agent_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    set_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (agent_id),
    FOREIGN KEY (agent_id) REFERENCES desk.agents (id)
);
CREATE TABLE desk.departments (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    from_address TEXT,
    from_name TEXT,
    reply_via TEXT,
    signature TEXT,
    language TEXT,
    rating TEXT DEFAULT 'off' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE desk.department_members (
    department_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    PRIMARY KEY (department_id, agent_id),
    FOREIGN KEY (department_id) REFERENCES desk.departments (id),
    FOREIGN KEY (agent_id) REFERENCES desk.agents (id)
);
CREATE INDEX ix_desk_department_members_agent_id ON desk.department_members (agent_id);
CREATE TABLE desk.teams (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    department_id TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (name),
    FOREIGN KEY (department_id) REFERENCES desk.departments (id)
);
CREATE TABLE desk.team_members (
    team_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    PRIMARY KEY (team_id, agent_id),
    FOREIGN KEY (team_id) REFERENCES desk.teams (id),
    FOREIGN KEY (agent_id) REFERENCES desk.agents (id)
);
CREATE INDEX ix_desk_team_members_agent_id ON desk.team_members (agent_id);
CREATE TABLE desk.api_tokens (
    id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    hash BYTEA NOT NULL,
    scopes TEXT[],
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    revoked_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    FOREIGN KEY (agent_id) REFERENCES desk.agents (id)
);
CREATE INDEX ix_desk_api_tokens_agent_id ON desk.api_tokens (agent_id);
CREATE TABLE desk.login_failures (
    subject TEXT NOT NULL,
    failures INTEGER NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (subject)
);
ALTER TABLE desk.tickets ADD COLUMN department TEXT DEFAULT '' NOT NULL;
"""


def upgrade() -> None:
    """Add what is new; the tickets that are there belong to the common department."""
    op.execute(_CHANGES)
