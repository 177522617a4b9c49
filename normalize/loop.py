"""The loop header of automatic mail, when a mail carries one back."""

import re

from normalize.headers import Headers

_FORM = re.compile(r"[a-z2-7]{64} \d{1,3}")


def loop_of(headers: Headers) -> str | None:
    """What has the form of a desk's own chain and hop count, for the desk to verify; whatever else is stripped."""
    if b"x-deskstream-loop" not in headers:
        return None
    value = " ".join(headers.raw(b"x-deskstream-loop").decode("ascii", "replace").split())
    return value if _FORM.fullmatch(value) else None
