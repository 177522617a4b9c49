"""The embedded servers as parts a supervisor keeps."""

from dataclasses import dataclass
from pathlib import Path

from deploy.embedded import kafka, ports, postgres
from deploy.supervise.child import Command
from deploy.supervise.part import Note, Part

KAFKA, POSTGRES = "kafka", "postgres"


@dataclass(frozen=True, slots=True)
class EmbeddedKafka:
    """The node on `folder/kafka`, on ports that stay the same from start to start."""

    folder: Path
    port: int
    controller_port: int
    class_path: str

    @property
    def address(self) -> str:
        """`host:port` for clients."""
        return f"{kafka.HOST}:{self.port}"

    def part(self) -> Part:
        """How it is kept."""

        async def prepare() -> Command:
            return await kafka.command(self.folder / KAFKA, self.port, self.controller_port, self.class_path)

        async def probe(_: int) -> Note | None:
            return Note() if await kafka.ready(self.address) else None

        return Part(KAFKA, prepare, probe)


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """The server on `folder/postgres`, on a port that stays the same from start to start."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """The SQLAlchemy URL with its password. Raises OSError before the server was created."""
        return postgres.url(self.folder / POSTGRES, self.port)

    def part(self) -> Part:
        """How it is kept."""

        async def prepare() -> Command:
            return await postgres.command(self.folder / POSTGRES, self.port)

        async def probe(_: int) -> Note | None:
            return Note() if await postgres.ready(self.url) else None

        return Part(POSTGRES, prepare, probe)


def embedded_kafka(folder: Path, class_path: str) -> EmbeddedKafka:
    """The node of this data folder. Call it while holding the folder and once leftovers are gone."""
    port, controller_port = ports.kept(folder / KAFKA / "ports.json", ("client", "controller"))
    return EmbeddedKafka(folder, port, controller_port, class_path)


def embedded_postgres(folder: Path) -> EmbeddedPostgres:
    """The server of this data folder. Call it while holding the folder and once leftovers are gone."""
    (port,) = ports.kept(folder / POSTGRES / "ports.json", ("client",))
    return EmbeddedPostgres(folder, port)
