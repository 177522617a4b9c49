"""A request as a raw record (docs/adr/0009): its body as it came, and of its headers what a normalizer reads."""

from collections.abc import Mapping

from bus.message import Channel
from bus.raw import Inline, RawMessage
from ingest.intake.route import Incoming


def raw_request(
    incoming: Incoming,
    channel: Channel,
    account: str,
    *,
    kept: tuple[str, ...] = (),
    known: Mapping[str, str] | None = None,
    path: str | None = None,
    body: bytes | None = None,
    own_addresses: list[str] | None = None,
    region: str | None = None,
) -> RawMessage:
    """The record. `kept`: headers that go with it besides Content-Type, in lower case; never a secret or signature.

    `known`: what only the receiver knows, under names that begin with a colon (`:identity`). `path`: what stands as
    `:path`, the request's own if it holds no secret. `body`: another one than came, when a check took something off.
    """
    headers = {name: value for name in ("content-type", *kept) if (value := incoming.headers.get(name)) is not None}
    headers |= {":method": incoming.method, ":path": incoming.path if path is None else path, **(known or {})}
    return RawMessage.trusted(
        {
            "channel": channel,
            "account": account,
            "received_at": incoming.received_at,
            "payload": Inline.trusted({"base64": incoming.body if body is None else body}),
            "media_type": incoming.media_type or "application/octet-stream",
            "envelope_to": [],
            "remote": incoming.remote,
            "headers": headers,
            "own_addresses": own_addresses or [],
            "region": region,
            "files": {},
        }
    )
