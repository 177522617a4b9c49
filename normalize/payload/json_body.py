"""JSON from strangers, within limits."""

import json

from bus.errors import Invalid
from normalize.payload.fields import Json

BODY_BYTES = 32 * 1024 * 1024
"""A larger body is no provider's."""
_DECODER = json.JSONDecoder(parse_constant=lambda _: None)
_CONTAINERS = 300_000
_VALUES = 1_500_000
"""How many values a body may hold; each costs some 60 bytes of memory and more when it is small."""


def read_json(body: bytes) -> Json:
    """The value. Raises Invalid when it is none, or too large or deep to be a provider's."""
    if len(body) > BODY_BYTES:
        raise Invalid(f"a body of {len(body)} bytes; at most {BODY_BYTES} are read")
    if body.count(b"{") + body.count(b"[") > _CONTAINERS or body.count(b",") > _VALUES:
        raise Invalid("JSON of too many values")
    try:
        plain = body.removeprefix(b"\xef\xbb\xbf")
        found: Json = _DECODER.decode(plain.decode(json.detect_encoding(plain), "surrogatepass"))
    except RecursionError:
        raise Invalid("JSON nested too deep") from None
    except ValueError as error:
        where = f" at byte {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise Invalid(f"not JSON{where}") from None
    return found


def read_json_lines(body: bytes) -> list[Json]:
    """The values of a stream's lines, keep-alive blanks left out. Raises Invalid when a line is none."""
    return [read_json(line) for line in body.splitlines() if line.strip()]
