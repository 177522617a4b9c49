"""Who wrote a mail that was passed on (threading §4). Pure.

When an agent forwards a customer's mail to the desk, the customer is the author. It takes an agent whose address is
configured and authenticated; whoever else "forwards" has written a mail of his own.
"""

import json
from dataclasses import dataclass
from typing import Any

from bus.message import Author, Forwarded


@dataclass(frozen=True, slots=True)
class Agents:
    """Whose forwards are believed: addresses, or `@domain` for everybody there."""

    addresses: frozenset[str] = frozenset()

    def __contains__(self, address: str) -> bool:
        if not self.addresses:
            return False
        address = address.lower()
        return address in self.addresses or f"@{address.rpartition('@')[2]}" in self.addresses


def customer_of(author: Author, forwarded: Forwarded | None, agents: Agents) -> Author | None:
    """The customer whose mail an agent passes on; None when it is the author's own mail."""
    if forwarded is None or not author.verified or author.kind != "email" or author.address not in agents:
        return None
    customer = forwarded.author
    if "@" not in customer.address or customer.address in agents:
        return None
    return Author(kind="email", address=customer.address, name=customer.name, verified=False)


def as_customers(document: str, customer: Author, agent: str) -> str:
    """The document to keep: the customer's, with the agent's address beside it."""
    fields: dict[str, Any] = json.loads(document)
    forwarded = fields.pop("forwarded")
    fields["author"] = customer.model_dump(mode="json")
    fields["forwarded_by"] = agent
    if forwarded.get("message_id"):
        # the customer's answers to it belong here
        fields["refs"] = [*fields.get("refs", ()), {"kind": "references", "value": forwarded["message_id"]}]
    if forwarded.get("subject"):
        fields["subject"] = forwarded["subject"]
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
