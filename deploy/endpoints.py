"""`DIR/endpoints.json`: where everything of a running `up` can be reached."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from bus.errors import ConfigError
from bus.service import write_atomically


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
    api: str | None = None
    intake: str | None = None
    pid: int
    processes: tuple[Process, ...] = ()
    ready: bool = False


def write_endpoints(folder: Path, endpoints: Endpoints) -> None:
    """Replace the file as a whole, readable by its owner only."""
    write_atomically(folder / "endpoints.json", endpoints.model_dump_json().encode())


def read_endpoints(folder: Path) -> Endpoints | None:
    """What the last `up` on this folder wrote; None when there was none. Raises ConfigError when it is damaged."""
    file = folder / "endpoints.json"
    try:
        return Endpoints.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise ConfigError(f"{file} cannot be read ({type(error).__name__}): start `deskstream up` again") from None
