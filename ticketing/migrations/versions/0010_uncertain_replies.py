"""An agent's reply that may not have arrived is due again, as one that was deferred is."""

from alembic import op

revision = "0010_uncertain_replies"
down_revision = "0009_api_and_search"

_CHANGES = """
DROP INDEX desk.replies_unsettled;
CREATE INDEX replies_unsettled ON desk.replies (state_at) WHERE state IN ('queued', 'deferred', 'uncertain');
"""


def upgrade() -> None:
    """Only an index changes."""
    op.execute(_CHANGES)
