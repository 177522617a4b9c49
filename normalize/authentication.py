"""The verdicts of the receiving server that the operator trusts (RFC 8601)."""

from typing import NamedTuple

from bus.message import Authentication, Verdict
from normalize.authentication_results import parse_results
from normalize.headers import Headers
from normalize.outcome import Decision, Decisions

_VERDICTS: dict[str, Verdict] = {
    "pass": "pass",
    "fail": "fail",
    "softfail": "fail",
    "permerror": "fail",
    "policy": "fail",
    "hardfail": "fail",
    "temperror": "temperror",
}
"""What is not here (`none`, `neutral`, a result that nobody registered) says nothing."""
_RANK: dict[Verdict, int] = {"pass": 3, "temperror": 2, "fail": 1, "none": 0}


class Trusted(NamedTuple):
    """The verdicts, and the domain of From that DMARC's is about (empty when the server does not say)."""

    verdicts: Authentication
    dmarc_domain: str

    def vouches_for(self, address: str, *, alone: bool) -> bool:
        """Whether it is certain that the domain of `address` sent the mail. `alone`: it stands in the only From."""
        if self.verdicts.dmarc != "pass" or not (alone or self.dmarc_domain):
            return False
        domain = address.rpartition("@")[2].lower()
        return not self.dmarc_domain or domain == self.dmarc_domain or domain.endswith("." + self.dmarc_domain)


def read_authentication(headers: Headers, authserv_id: str | None, decisions: Decisions = None) -> Trusted | None:
    """What the topmost field of `authserv_id` says; None when no server is trusted or it says nothing.

    Of several DKIM signatures the best verdict counts: one good signature is enough (RFC 6376 §6.1). Any other
    server's field is a claim of whoever sent the mail.
    """
    if not authserv_id:
        return None
    for raw in headers.raw_all(b"authentication-results"):
        results = parse_results(raw.decode("utf-8", "replace"))
        if results.server != authserv_id.lower():
            continue
        verdicts: dict[str, Verdict] = {}
        domain = ""
        for method, result, properties in results.found:
            if method not in {"spf", "dkim", "dmarc"}:
                continue
            value = _VERDICTS.get(result, "none")
            if method not in verdicts or (method == "dkim" and _RANK[value] > _RANK[verdicts[method]]):
                verdicts[method] = value
                if method == "dmarc":
                    domain = properties.get("header.from", "").rpartition("@")[2].strip("<> ").lower()
        if decisions is not None:
            said = ", ".join(f"{method}={value}" for method, value in verdicts.items())
            decisions.append(Decision("authentication", said or "none", f"the topmost field of {authserv_id}"))
        return Trusted(Authentication(**verdicts), domain)
    return None
