"""The sending part of every mail connector: by SMTP, or into a folder when no server is configured."""

from collections.abc import Mapping

from ingest.contract import Place, Sender
from ingest.outgoing_server import OutgoingServer


def mail_sender(place: Place, servers: Mapping[str, OutgoingServer], own: str) -> Sender:
    """`servers`: by From address, or `default`; `own`: where mail comes from unless a reply says otherwise."""
    if not servers:
        from ingest.outbox_folder import OutboxFolder

        return OutboxFolder(place.data / "outbox", own, place.blobs)
    from ingest.smtp_out import smtp_sender

    for server in servers.values():
        if server.oauth2 is not None and server.oauth2.expires_on is not None:
            place.source.expires(server.oauth2.expires_on)
    return smtp_sender(place.name, servers, own, place.blobs, place.data / "tokens")
