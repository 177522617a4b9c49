"""When a form was given out: signed, so that a machine has to ask for one and wait, as people do."""

import hmac

_LASTS = 24 * 3600
_AHEAD = 60


class Stamps:
    """Stamps of one connector. All its processes need the same key, else each knows only its own."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def issue(self, now: float) -> str:
        """For a form that is given out now (seconds since 1970)."""
        at = str(int(now * 1000))
        return f"{at}.{self._mac(at)}"

    def age(self, stamp: str, now: float) -> float | None:
        """Seconds since it was issued; None for what is not ours, or older than a day."""
        at, _, mac = stamp.partition(".")
        if not hmac.compare_digest(mac.encode("utf-8", "replace"), self._mac(at).encode()):
            return None
        age = now - int(at) / 1000
        return age if -_AHEAD <= age <= _LASTS else None

    def _mac(self, at: str) -> str:
        return hmac.new(self._key, b"form-stamp:" + at.encode("utf-8", "replace"), "sha256").hexdigest()[:32]
