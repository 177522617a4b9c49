"""Who is logged in on the company's own site, as that site says and signs: a JSON Web Token (RFC 7519), HS256."""

from collections.abc import Sequence

import jwt
from pydantic import SecretStr

from ingest.intake.route import Refusal
from normalize.addresses import canonical

HEADER = "x-deskstream-identity"
LEAST_SECRET = 32
"""Bytes of a secret for HS256 (RFC 7518 §3.2)."""


def identified(token: str, secrets: Sequence[SecretStr], audience: str, *, expired: bool = False) -> str:
    """The mail address of the claim `email`. `exp` must be there; `aud`, if it is, must be the connector's name.

    `expired`: it may have run out, for somebody who was known by it before.
    Raises Refusal 401 for everything else, another algorithm included.
    """
    if not secrets:
        raise _refused("This form knows no identities: identity_secret is not configured.")
    for secret in secrets:
        try:
            claims = jwt.decode(
                token,
                secret.get_secret_value(),
                algorithms=["HS256"],
                options={"require": ["exp", "email"], "verify_aud": False, "verify_exp": not expired},
                leeway=30,
            )
        except jwt.ExpiredSignatureError:
            raise _refused("The identity has expired.") from None
        except jwt.InvalidTokenError:
            continue
        return _address(claims, audience)
    raise _refused("The identity is not signed with this form's secret, or lacks exp or email.")


def _address(claims: dict[str, object], audience: str) -> str:
    meant = claims.get("aud", audience)
    if audience not in (meant if isinstance(meant, list) else [meant]):
        raise _refused("The identity is meant for another form.")
    email = claims["email"]
    address = canonical(email) if isinstance(email, str) and len(email) <= 320 else ""
    local, _, domain = address.rpartition("@")
    if not local or not domain or any(c.isspace() for c in address):
        raise _refused("The identity's email is no address.")
    return address


def _refused(text: str) -> Refusal:
    return Refusal(401, "identity", text)
