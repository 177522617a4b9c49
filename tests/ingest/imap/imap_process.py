"""The receiving part of a mailbox on a real Kafka: `python -m … KAFKA NAME FOLDER IMAP_PORT`, to be killed."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bus.blobs import FolderBlobs
from bus.health import Health
from bus.kafka_settings import KafkaSettings
from bus.publisher import KafkaPublisher
from ingest.connectors.email_imap import EMAIL_IMAP
from ingest.contract import Emit, Place, Receiver
from ingest.cursors import KafkaCursors
from ingest.emitting import Emitting
from ingest.imap.settings import EmailImapSettings
from ingest.source_state import SourceState
from ingest.tenure import KafkaTenure


@asynccontextmanager
async def a_mailbox(servers: str, name: str, folder: Path, port: int) -> AsyncIterator[tuple[Receiver, Emit]]:
    """What `run` needs; others take over 6 s after this process was killed."""
    kafka = KafkaSettings(servers=servers, session_timeout=6)
    publisher = KafkaPublisher(kafka)
    source, blobs = SourceState(), FolderBlobs(folder)
    cursors, tenure = KafkaCursors(kafka, publisher), KafkaTenure(kafka, name, source)
    place = Place(name, folder, blobs, cursors, Health(), lambda **_: None, source, tenure)
    address = f"{name}@desk.example"
    settings = EmailImapSettings.model_validate(
        {
            "addresses": [address],
            "host": "127.0.0.1",
            "port": port,
            "security": "none",
            "username": address,
            "password": "any",
            "poll_every": 0.5,
        }
    )
    assert EMAIL_IMAP.receiver is not None
    await publisher.start()
    try:
        emit = Emitting(EMAIL_IMAP, name, publisher, blobs, counted=lambda _: None)
        yield EMAIL_IMAP.receiver(settings, place), emit
    finally:
        await publisher.stop()


async def main(servers: str, name: str, folder: Path, port: int) -> None:
    """Run until killed."""
    async with a_mailbox(servers, name, folder, port) as (receiver, emit):
        await receiver.run(emit)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])))
