"""Who may come in: recipients that are ours, and how many sessions at a time."""

from collections import Counter
from collections.abc import Iterable


class OwnAddresses:
    """The configured addresses and their plus-forms; letters' case makes no difference."""

    def __init__(self, addresses: Iterable[str]) -> None:
        self.plain = list(dict.fromkeys(addresses))
        self._known = {address.casefold() for address in self.plain}

    def __contains__(self, address: object) -> bool:
        if not isinstance(address, str):
            return False
        local, at, domain = address.casefold().rpartition("@")
        return f"{local.partition('+')[0]}{at}{domain}" in self._known


class Sessions:
    """Counts sessions, in all and by remote address."""

    def __init__(self, most: int, most_per_address: int) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._by_address: Counter[str] = Counter()

    @property
    def open(self) -> int:
        """How many are open."""
        return self._by_address.total()

    def enter(self, address: str) -> str | None:
        """Count one in; or the reply that turns it away, and it is not counted."""
        if self.open >= self._most:
            return "421 4.3.2 Too many sessions, try again later"
        if self._by_address[address] >= self._most_per_address:
            return "421 4.7.0 Too many sessions from your address, try again later"
        self._by_address[address] += 1
        return None

    def leave(self, address: str) -> None:
        """Count one out."""
        self._by_address[address] -= 1
        if self._by_address[address] <= 0:
            del self._by_address[address]
