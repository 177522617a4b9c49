"""What a supervisor is told about a process: how it is started, what it waits for, how it shows that it serves."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from deploy.supervise.child import Command

RUN_FILE = "DESKSTREAM_RUN_FILE"
"""Environment variable with the path of the file in which a service says where it can be reached."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a process said about itself: `ops` is the base URL of its health, `more` its further addresses."""

    ops: str | None = None
    more: Mapping[str, str] = field(default_factory=dict)


Probe = Callable[[int], Awaitable[Note | None]]
"""Given the pid: what the process says about itself once it serves, None until then."""


@dataclass(frozen=True, slots=True)
class Part:
    """One kept process. `prepare` is awaited before every start; `needs` are parts that must serve before.

    `alive`: given what it said, whether the process still answers at all; None where nobody asks.
    """

    name: str
    prepare: Callable[[], Awaitable[Command]]
    probe: Probe
    needs: Sequence[str] = ()
    alive: Callable[[Note], Awaitable[bool]] | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A service as data: its command, its environment, and the parts it needs."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str | None] = field(default_factory=dict)
    needs: Sequence[str] = ()


def service_part(service: Service, folder: Path) -> Part:
    """The part that keeps `service`, which says in `folder/run/NAME.json` where it serves."""
    file = folder / "run" / f"{service.name}.json"

    async def prepare() -> Command:
        file.unlink(missing_ok=True)
        return Command(service.argv, {**service.env, RUN_FILE: str(file)})

    async def probe(pid: int) -> Note | None:
        note = read_note(file, pid)
        return note if note and note.ops and await answers(f"{note.ops}/readyz") else None

    async def alive(note: Note) -> bool:
        return note.ops is None or await answers(f"{note.ops}/healthz")

    return Part(service.name, prepare, probe, service.needs, alive)


def read_note(file: Path, pid: int) -> Note | None:
    """What the process `pid` wrote; None when there is nothing, or it is another process's."""
    try:
        said = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    if said.get("pid") != pid:
        return None
    more = {name: value for name, value in said.items() if name not in {"name", "pid", "ops"}}
    return Note(said.get("ops"), {name: value for name, value in more.items() if isinstance(value, str)})


async def answers(url: str, patience: float = 2.0) -> bool:
    """Whether `GET url` on plain HTTP is answered with 200."""
    target = urlsplit(url)
    try:
        async with asyncio.timeout(patience):
            reader, writer = await asyncio.open_connection(target.hostname, target.port)
            try:
                request = f"GET {target.path} HTTP/1.1\r\nHost: {target.netloc}\r\nConnection: close\r\n\r\n"
                writer.write(request.encode("ascii"))
                status_line = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return status_line.split()[1:2] == [b"200"]
