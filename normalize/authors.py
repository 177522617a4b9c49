"""Who wrote a mail: of several From the one with an address; else who sent it, or the return path."""

from normalize.addresses import Mailbox, canonical, parse_addresses
from normalize.encoded_words import decode_words
from normalize.headers import Headers
from normalize.legible import one_line
from normalize.outcome import Decision, Decisions

_IN_PLACE_OF_FROM = (b"sender", b"reply-to", b"return-path", b"x-envelope-from")


def author_of(headers: Headers, envelope_from: str | None, warnings: list[str], decisions: Decisions = None) -> Mailbox:
    """The author; the address is empty when no field and no envelope names one."""
    author, where = _author(headers, envelope_from or "", warnings)
    if decisions is not None:
        decisions.append(Decision("author", author.address, f"field:{where}" if where else "the envelope"))
    return author


def _author(headers: Headers, envelope_from: str, warnings: list[str]) -> tuple[Mailbox, str]:
    fields = headers.all_undecoded(b"from")
    candidates: list[Mailbox] = []
    for field in fields:
        candidates += parse_addresses(field)
        for candidate in candidates:
            if "@" in candidate.address:
                return candidate, "from"
    missing = "from:no-address" if any(fields) else "from:missing"
    warnings.append(missing)
    for name in _IN_PLACE_OF_FROM:
        if name in headers:
            for candidate in parse_addresses(headers.undecoded(name)):
                if "@" in candidate.address:
                    return candidate, name.decode()
    words = one_line(decode_words(next(filter(None, fields), ""))).strip("\"'<> ") or None
    if candidates and not envelope_from:
        return candidates[0], "from"
    return Mailbox(words, canonical(envelope_from)), ""
