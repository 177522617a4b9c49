"""The evidence a mail gives on which conversation it belongs to (threading.md §1)."""

import re
from collections.abc import Iterable, Sequence

from bus.message import Ref
from normalize.addresses import Mailbox, canonical
from normalize.headers import Headers
from normalize.identity import message_id_field
from normalize.limits import REFERENCES

_TICKET_NUMBER = re.compile(r"(?<![\w&#])#(\d{1,12})(?!\w)")


def collect_refs(
    headers: Headers, subject: str | None, addressed: Iterable[str], own_addresses: Sequence[str]
) -> list[Ref]:
    """All refs of a mail. `addressed`: every address it went to, as headers and the envelope say."""
    found = [Ref(kind="reply_token", value=token) for token in _reply_tokens(addressed, own_addresses)]
    found += [Ref(kind="in_reply_to", value=each) for each in message_id_field(headers, b"in-reply-to")[:REFERENCES]]
    references = message_id_field(headers, b"references")
    if len(references) > REFERENCES:
        references = [references[0], *references[-(REFERENCES - 1) :]]  # the root and the nearest say most
    found += [Ref(kind="references", value=each) for each in references]
    if subject and "#" in subject:
        numbers = dict.fromkeys(_TICKET_NUMBER.findall(subject))
        found += [Ref(kind="ticket_number", value=number) for number in numbers]
    return found


def addressed_to(headers: Headers, to: Iterable[Mailbox], cc: Iterable[Mailbox], envelope: Iterable[str]) -> list[str]:
    """Every address this mail is known to have gone to."""
    found = [box.address for box in to]
    found += [box.address for box in cc]
    found += [canonical(each) for each in envelope]
    for name in (b"delivered-to", b"x-original-to", b"x-envelope-to"):
        if name in headers:
            found += [canonical(each.decode("utf-8", "replace")) for each in headers.raw_all(name)]
    return found


def _reply_tokens(addressed: Iterable[str], own_addresses: Sequence[str]) -> list[str]:
    """What stands behind the `+` of this desk's own addresses, one each."""
    plus = [address for address in addressed if "+" in address]
    if not plus:
        return []
    own = {canonical(address).lower() for address in own_addresses}
    tokens: dict[str, None] = {}
    for address in plus:
        local, _, domain = address.rpartition("@")
        box, _, token = local.partition("+")
        if token and f"{box}@{domain}".lower() in own:
            tokens[token] = None
    return list(tokens)
