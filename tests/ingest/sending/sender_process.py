"""A sender in a process of its own, to be killed and frozen: `python -m … KAFKA CONNECTOR FOLDER outbox|journal`.

`outbox` is the real idempotent sender. `journal` is not idempotent: it appends a line for each reply that left.
"""

import asyncio
import sys
from pathlib import Path

from bus.blobs import FolderBlobs
from bus.health import Health
from bus.kafka_settings import KafkaSettings
from bus.reply import Reply
from ingest.contract import Connector, ConnectorSettings, Place, Sender
from ingest.outbox_folder import OutboxFolder
from ingest.sending import run_sender


class Journal:
    """A channel in which everybody sees a repetition."""

    idempotent = False

    def __init__(self, path: Path) -> None:
        self._path = path

    async def send(self, reply: Reply) -> str:
        """Add a line."""
        with self._path.open("a") as file:
            file.write(f"{reply.reply_id}\n")
        return reply.reply_id

    async def close(self) -> None:
        """Nothing is open."""


async def main(servers: str, connector: str, folder: Path, kind: str) -> None:
    """Run until killed."""
    blobs = FolderBlobs(folder / "blobs")
    sender: Sender = Journal(folder / "journal") if kind == "journal" else OutboxFolder(folder, "a@desk.example", blobs)
    row = Connector("test", "forum", ConnectorSettings, lambda _: "", lambda _, __: None)  # type: ignore[arg-type,return-value]
    place = Place(connector, folder, blobs, None, Health(), lambda **_: None)  # type: ignore[arg-type]
    await run_sender(
        row,
        sender,
        place,
        KafkaSettings(servers=servers, session_timeout=6),
        stop=asyncio.Event(),
        counted=lambda: None,
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4]))
