"""`DIR/endpoints.json`: where everything of a running `up` can be reached."""

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from bus.errors import ConfigError
from bus.whole_file import write_atomically

FILE = "endpoints.json"


class Process(BaseModel):
    """One process of the stack; `ops` is the base URL of its health and metrics, if it has any."""

    model_config = ConfigDict(frozen=True)

    name: str
    pid: int
    ops: str | None = None


class Endpoints(BaseModel):
    """The whole file. `kafka` and `smtp` are `host:port`, the others URLs; `database` contains a password."""

    model_config = ConfigDict(frozen=True)

    kafka: str | None = None
    database: str | None = None
    smtp: str | None = None
    """Known from the first time the connector serves; it keeps its address when it is started again."""
    api: str | None = None
    intake: str | None = None
    pid: int
    processes: tuple[Process, ...] = ()
    ready: bool = False


def running(folder: Path) -> Endpoints | None:
    """Where the `up` that runs on this folder can be reached; None when none does, or the file is damaged."""
    try:
        found = read_endpoints(folder)
    except ConfigError:
        return None
    return found if found and _alive(found.pid) else None


def write_endpoints(folder: Path, endpoints: Endpoints) -> None:
    """Replace the file as a whole, readable by its owner only."""
    write_atomically(folder / FILE, endpoints.model_dump_json().encode())


def read_endpoints(folder: Path) -> Endpoints | None:
    """What the last `up` on this folder wrote; None when there was none. Raises ConfigError when it is damaged."""
    file = folder / FILE
    try:
        return Endpoints.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise ConfigError(f"{file} cannot be read ({type(error).__name__}): start `deskstream up` again") from None


def _alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
