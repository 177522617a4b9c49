"""Ports on loopback: kept between starts, taken anew when another program holds them."""

import json
import random
import socket
from collections.abc import Sequence
from pathlib import Path

from bus.errors import ConfigError
from bus.whole_file import write_atomically

HOST = "127.0.0.1"
LOWEST, HIGHEST = 20_000, 32_000


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def take(count: int) -> tuple[int, ...]:
    """That many different ports nobody listens on.

    They lie below the range from which systems take the near end of outgoing connections: while a server is
    down, a client that keeps trying its port could otherwise be given that very port, and keep the server out.
    """
    found: list[int] = []
    for port in random.sample(range(LOWEST, HIGHEST), HIGHEST - LOWEST):
        if len(found) == count:
            break
        if is_free(port):
            found.append(port)
    return tuple(found)


def asked(port: int, option: str) -> int:
    """The port that was asked for, 0 meaning any. Raises ConfigError, naming port and option, when it is in use."""
    if port == 0:
        return take(1)[0]
    if not is_free(port):
        raise ConfigError(f"port {port} on {HOST} is in use: stop what uses it, or choose another with {option}")
    return port


def kept(file: Path, names: Sequence[str]) -> tuple[int, ...]:
    """The ports that `file` keeps under these names; missing ones, and all once one is in use, are taken anew."""
    try:
        known = json.loads(file.read_bytes())
        ports = tuple(int(known[name]) for name in names)
    except (OSError, ValueError, KeyError, TypeError):
        ports = ()
    if not ports or not all(is_free(port) for port in ports):
        ports = take(len(names))
        write_atomically(file, json.dumps(dict(zip(names, ports, strict=True))).encode())
    return ports
