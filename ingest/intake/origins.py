"""Which web sites' pages may call a route (the Origin header, RFC 6454; CORS)."""

import re
from collections.abc import Iterable
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

ANY = "*"
_PORTS = {"http": 80, "https": 443}
_NAMES = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*")


def _origin(value: str) -> str:
    if value == ANY:
        return value
    parts = urlsplit(value.strip().lower())
    host = parts.hostname or ""
    if parts.scheme not in _PORTS or not host or parts.path.strip("/") or parts.query or "@" in parts.netloc:
        raise ValueError(f"{value!r} is no origin such as https://www.example.com or https://*.example.com")
    if "*" in host.removeprefix("*."):
        raise ValueError(f"{value!r}: a star may only stand for the first names of a host: https://*.example.com")
    shown = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, _PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{shown}{port}"


Origin = Annotated[str, AfterValidator(_origin)]
"""A setting: `https://www.example.com`, `https://*.example.com` (its sub-domains), or `*` for every site."""


class Origins:
    """The allowed ones. A request without an Origin comes from no browser's script and is not held back here."""

    def __init__(self, allowed: Iterable[str]) -> None:
        plain = [_origin(each) for each in allowed]
        self.any = ANY in plain
        self._exact = frozenset(plain)
        self._below = tuple(
            (scheme + "://", host[1:])
            for scheme, _, host in (each.partition("://") for each in plain)
            if host[:2] == "*."
        )

    def __contains__(self, origin: object) -> bool:
        if not isinstance(origin, str):
            return False
        if self.any:
            return True
        given = origin.lower()
        return given in self._exact or any(
            given.startswith(scheme) and given.endswith(host) and _NAMES.fullmatch(given[len(scheme) : -len(host)])
            for scheme, host in self._below
        )
