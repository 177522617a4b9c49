"""A mailbox address of ours as a setting."""

from typing import Annotated

from pydantic import AfterValidator


def _plain_address(value: str) -> str:
    local, at, domain = value.strip().rpartition("@")
    if not (local and at and domain) or any(c.isspace() for c in value.strip()) or "+" in local:
        raise ValueError(f"{value!r} is no address such as support@desk.example (without a plus-form)")
    return f"{local}@{domain.lower()}"


PlainAddress = Annotated[str, AfterValidator(_plain_address)]
