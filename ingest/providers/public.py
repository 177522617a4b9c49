"""Whether an answer may stand where everybody reads it."""

from bus.reply import Reply
from ingest.contract import Refused


def must_be_public(reply: Reply, where: str) -> None:
    """Raises Refused for an answer that only its recipient may read: who wrote it did not say that it is public."""
    if reply.visibility != "public":
        raise Refused(f"the reply is private, and {where} is read by everybody")
