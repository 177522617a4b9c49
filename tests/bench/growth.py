"""How a desk grew: at what pace, and what each stretch of it cost. It stands beside the data, to go on from there."""

import json
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

from metrics_worker.snapshot import Names


class Pace(NamedTuple):
    """How stretches of so many tickets arrive: so many events a second (0: at once), so many stretches."""

    a_second: int
    tickets: int
    stretches: int


@dataclass(frozen=True)
class Measured:
    """A stretch that ends at so many tickets: CPU per event, and what the worker holds after it."""

    tickets: int
    a_second: int
    worker_us: float
    postgres_us: float
    worker_mb: float
    events_per_second: float

    @property
    def us(self) -> float:
        """Of both."""
        return self.worker_us + self.postgres_us


@dataclass
class Growth:
    """What a run has come to: all that it needs to go on."""

    seed: int
    database: str = field(default_factory=lambda: f"million_{uuid.uuid4().hex[:8]}")
    names: Names | None = None
    stretches: list[Measured] = field(default_factory=list)

    @property
    def tickets(self) -> int:
        """So many there are."""
        return self.stretches[-1].tickets if self.stretches else 0

    @classmethod
    def read(cls, file: Path) -> "Growth":
        """As `write` left it."""
        told = json.loads(file.read_text())
        told["names"] = told["names"] and Names(**told["names"])
        told["stretches"] = [Measured(**each) for each in told["stretches"]]
        return cls(**told)

    def write(self, file: Path) -> None:
        """Replace the file."""
        new = file.with_suffix(".new")
        new.write_text(json.dumps(asdict(self), indent=1))
        new.replace(file)
