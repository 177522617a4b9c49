"""Hosts in front of us whose word is taken: of Authentication-Results in mail, of X-Forwarded-For in requests."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address


class TrustedNetworks:
    """Networks of the servers in front of us. With none, nobody is believed."""

    def __init__(self, networks: Iterable[IPv4Network | IPv6Network]) -> None:
        self._networks = tuple(networks)
        self._holds = lru_cache(maxsize=1_024)(self._look)

    def __contains__(self, remote: str) -> bool:
        return bool(self._networks) and self._holds(remote)

    def _look(self, remote: str) -> bool:
        try:
            address = ip_address(remote)
        except ValueError:
            return False
        return any(address in network for network in self._networks)
