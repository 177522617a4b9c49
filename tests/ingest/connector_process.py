"""A `deskstream connector` in a process of its own, to be killed, paused and replaced."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

BIN = Path(sys.executable).with_name("deskstream")
HASTY = {"DESKSTREAM_KAFKA__SESSION_TIMEOUT": "6"}
"""Others take over from a process that was killed after 6 s instead of 30."""


def write_config(folder: Path, **sections: dict[str, object]) -> Path:
    """`name={key: value}` for each connector, as a file in a data folder."""
    lines: list[str] = []
    for name, keys in sections.items():
        _section(f"connectors.{name}", keys, lines)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "deskstream.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def _section(heading: str, keys: Mapping[str, object], lines: list[str]) -> None:
    lines.append(f"[{heading}]")
    lines += [f"{key} = {_toml(value)}" for key, value in keys.items() if not isinstance(value, dict)]
    for key, inner in keys.items():
        if isinstance(inner, dict):
            _section(f"{heading}.{key}", inner, lines)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"[{', '.join(map(_toml, value))}]" if isinstance(value, list) else repr(value)


@contextlib.contextmanager
def connector_process(
    *names: str, data: Path, kafka: str | None = None, config: Path | None = None, failpoints: str = ""
) -> Iterator[subprocess.Popen[bytes]]:
    """Started; ended when left, if it has not ended by itself. Its log is `NAME.log` in the data folder."""
    more = [*(("--kafka", kafka) if kafka else ()), *(("--config", str(config)) if config else ())]
    environment = os.environ | HASTY | {"DESKSTREAM_FAILPOINTS": failpoints}
    with (data / f"{names[0]}.log").open("ab") as out:
        process = subprocess.Popen(
            [BIN, "connector", *names, "--data", data, *more], stdout=out, stderr=out, env=environment
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait()
