"""How often a connector's routes may be called: token buckets, one for each source and one for all."""

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address
from math import ceil

from ingest.intake.settings import Rates

_SOURCES_KEPT = 20_000


class Bucket:
    """Holds `size` tokens and gets `per_second` new ones. `now` is a clock that never goes back, in seconds."""

    __slots__ = ("_at", "_left", "_per_second", "_size")

    def __init__(self, per_second: float, size: float, now: float) -> None:
        self._per_second = per_second
        self._size = size
        self._left = size
        self._at = now

    def wait(self, now: float) -> float:
        """Seconds until there is a token; 0 when there is one. Takes nothing."""
        self._left = min(self._size, self._left + (now - self._at) * self._per_second)
        self._at = now
        return 0.0 if self._left >= 1.0 else (1.0 - self._left) / self._per_second

    def take(self) -> None:
        """Take one, after `wait` was 0."""
        self._left -= 1.0


class RateLimits:
    """Of one connector. A request that is turned away costs nobody a token."""

    def __init__(self, rates: Rates, now: float) -> None:
        self._rates = rates
        self._all = Bucket(rates.per_second, rates.per_second, now)
        self._sources: OrderedDict[str, Bucket] = OrderedDict()

    def retry_after(self, remote: str, now: float) -> int | None:
        """None and a token is taken of both; or the whole seconds to wait, and none is."""
        source = source_of(remote)
        bucket = self._sources.get(source)
        if bucket is None:
            bucket = Bucket(self._rates.per_source / 60.0, self._rates.burst, now)
        wait = max(bucket.wait(now), self._all.wait(now))
        if wait > 0.0:
            return max(1, ceil(wait))
        bucket.take()
        self._all.take()
        self._sources[source] = bucket
        self._sources.move_to_end(source)
        if len(self._sources) > _SOURCES_KEPT:
            self._sources.popitem(last=False)
        return None


def source_of(remote: str) -> str:
    """What one customer cannot change at will: the address, of IPv6 the /64 network."""
    if ":" not in remote:
        return remote
    try:
        address = ip_address(remote)
    except ValueError:
        return remote
    if not isinstance(address, IPv6Address):
        return remote
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> 64 << 64)}/64"
