"""The verdicts of the receiving server that the operator trusts (RFC 8601)."""

import re

from bus.message import Authentication, Verdict
from normalize.headers import Headers

_COMMENT = re.compile(r"\([^()]*+\)")
_RESULT = re.compile(r"(?:^|;)\s*+(spf|dkim|dmarc)\s*+(?:/\s*+\d+\s*+)?=\s*+([A-Za-z]+)", re.IGNORECASE)
_VERDICTS: dict[str, Verdict] = {
    "pass": "pass",
    "fail": "fail",
    "softfail": "fail",
    "permerror": "fail",
    "policy": "fail",
    "hardfail": "fail",
    "temperror": "temperror",
}
_RANK: dict[Verdict, int] = {"pass": 3, "temperror": 2, "fail": 1, "none": 0}
_LONGEST = 8 * 1024


def read_authentication(headers: Headers, authserv_id: str | None) -> Authentication | None:
    """What the topmost field of `authserv_id` says; None when no server is trusted or it says nothing.

    Of several DKIM signatures the best verdict counts: one good signature is enough (RFC 6376 §6.1). Any other
    server's field is a claim of whoever sent the mail.
    """
    if not authserv_id:
        return None
    for raw in headers.raw_all(b"authentication-results"):
        text = raw.decode("utf-8", "replace")[:_LONGEST]
        for _ in range(3):  # comments may be nested
            text = _COMMENT.sub(" ", text)
        who, _, results = text.partition(";")
        words = who.split()
        if not words or words[0].strip('"').lower() != authserv_id.lower():
            continue
        found: dict[str, Verdict] = {}
        for method, verdict in _RESULT.findall(";" + results):
            value = _VERDICTS.get(verdict.lower(), "none")
            name = method.lower()
            if name not in found or (name == "dkim" and _RANK[value] > _RANK[found[name]]):
                found[name] = value
        return Authentication(**found)
    return None
