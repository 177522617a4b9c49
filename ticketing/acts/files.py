"""A file that an agent adds: its bytes are in the blob store already."""

from typing import Annotated

from pydantic import AfterValidator, Field

from ticketing.acts.kind import Input


def _name(value: str) -> str:
    shown = "".join(c for c in value if c.isprintable()).replace("/", "_").replace("\\", "_").strip(". ")
    if not shown:
        raise ValueError("wants a name that can be shown")
    return shown


class File(Input):
    """`blob`: what the store called it, `sha256/…`. `size` in bytes."""

    name: Annotated[str, Field(max_length=255), AfterValidator(_name)]
    media_type: str = Field(max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9.+_-]*/[A-Za-z0-9][A-Za-z0-9.+_-]*$")
    blob: str = Field(pattern=r"^sha256/[0-9a-f]{64}$")
    size: int = Field(ge=0, le=100 * 1024 * 1024)
