"""A mail as the rules about who wrote it see it."""

from dataclasses import dataclass

from normalize import machine_phrases
from normalize.headers import Headers
from normalize.structure import Part


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail's kind is told by. `author` in canonical form; `null_sender`: the return path is empty."""

    data: bytes
    headers: Headers
    root: Part
    author: str
    own: bool
    subject: str
    text: str
    null_sender: bool
    author_name: str = ""


def is_null_sender(headers: Headers, envelope_from: str | None) -> bool:
    """Whether the envelope, or the server that kept it in a field, names the null return path (RFC 5321 §4.5.5)."""
    if envelope_from is not None:
        return envelope_from.strip() in {"", "<>"}
    if b"return-path" not in headers:
        return False
    path = headers.undecoded(b"return-path").strip(" <>")
    return not path or machine_phrases.DAEMON.match(path.partition("@")[0]) is not None
