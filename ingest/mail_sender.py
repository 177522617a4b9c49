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

    return smtp_sender(place.name, servers, own, place.blobs)
