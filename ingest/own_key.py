"""The key with which a connector signs what only it has to know again: a form's stamp, a chat's session."""

import contextlib
import os
import secrets
from pathlib import Path

from pydantic import SecretStr


def own_key(configured: SecretStr | None, folder: Path, name: str) -> bytes:
    """The configured key, else one that is made once and kept in this folder, for all processes that have it."""
    if configured is not None:
        return configured.get_secret_value().encode()
    path = folder / f"{name}.key"
    try:
        if not path.exists():
            _make(path)
        return path.read_bytes()
    except OSError:
        return secrets.token_bytes(32)  # a folder that cannot be written: what it signs lives as long as this process


def _make(path: Path) -> None:
    """Whole or not at all, and never over one that another process has made meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    fresh.touch(mode=0o600, exist_ok=False)
    try:
        fresh.write_bytes(secrets.token_hex(32).encode())
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        fresh.unlink()
