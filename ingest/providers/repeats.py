"""What has been taken lately, so that a delivery that comes again at once costs nothing.

Nothing depends on it: ids are deterministic, and what this process has forgotten is a duplicate to filing.
"""

from collections import OrderedDict

_REMEMBERED = 10_000


class Repeats:
    """A bounded memory of keys."""

    def __init__(self, most: int = _REMEMBERED) -> None:
        self._most = most
        self._keys: OrderedDict[bytes, None] = OrderedDict()

    def __contains__(self, key: bytes) -> bool:
        return key in self._keys

    def add(self, key: bytes) -> None:
        """Remember it: only once it stands on its topic."""
        self._keys[key] = None
        while len(self._keys) > self._most:
            self._keys.popitem(last=False)
