"""Every act on a ticket. A new one is a file like its neighbours, and a line here."""

from typing import Any, Final

from ticketing.acts.add_attachment import ADD_ATTACHMENT
from ticketing.acts.assign import ASSIGN
from ticketing.acts.close import CLOSE
from ticketing.acts.comment import COMMENT
from ticketing.acts.escalate import ESCALATE
from ticketing.acts.hold import HOLD
from ticketing.acts.kind import ActKind, OpeningKind
from ticketing.acts.merge import MERGE
from ticketing.acts.move_message import MOVE_MESSAGE
from ticketing.acts.open_ticket import OPEN_TICKET
from ticketing.acts.participants import ADD_PARTICIPANT, REMOVE_PARTICIPANT
from ticketing.acts.reopen import REOPEN
from ticketing.acts.reply import REPLY
from ticketing.acts.revoke_tokens import REVOKE_TOKENS
from ticketing.acts.spam import MARK_SPAM, UNMARK_SPAM
from ticketing.acts.split import SPLIT
from ticketing.acts.to_ticket import TO_TICKET
from ticketing.acts.unmerge import UNMERGE
from ticketing.acts.unsplit import UNSPLIT
from ticketing.acts.update import UPDATE

ACTS: Final[tuple[ActKind[Any, Any], ...]] = (
    REPLY,
    COMMENT,
    UPDATE,
    ASSIGN,
    HOLD,
    ESCALATE,
    CLOSE,
    REOPEN,
    MERGE,
    UNMERGE,
    SPLIT,
    UNSPLIT,
    MOVE_MESSAGE,
    ADD_PARTICIPANT,
    REMOVE_PARTICIPANT,
    REVOKE_TOKENS,
    ADD_ATTACHMENT,
    MARK_SPAM,
    UNMARK_SPAM,
)

OPENING: Final[tuple[OpeningKind[Any, Any], ...]] = (OPEN_TICKET, TO_TICKET)
"""Those that open a ticket."""
