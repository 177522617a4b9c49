"""From which hosts a mail's Authentication-Results may be believed."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address


class TrustedNetworks:
    """Networks of the receiving servers in front of us. With none, nobody is believed."""

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
