"""DKIM signatures (RFC 6376, RFC 8301, RFC 8463), checked against given keys: no network, no clock."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

from bus.message import Verdict
from normalize.front import skip_front
from normalize.limits import DKIM_SIGNATURES, HEADER_BLOCK_BYTES
from normalize.signatures import ed25519_verifies, rsa_verifies

KeyOf: TypeAlias = Callable[[str], str | None]
"""The TXT record of a name such as `selector._domainkey.example.com`, or None when there is none."""

_FIELD = re.compile(rb"^([!-9;-~]++[ \t]*+):((?:[^\r\n]++|\r\n[ \t])*+)\r\n", re.MULTILINE)
_BLANKS = re.compile(rb"[ \t]+")
_FOLDED = re.compile(rb"\r\n(?=[ \t])")
_SIGNATURE_VALUE = re.compile(rb"(?<![^\s;])(b[ \t\r\n]*=)[^;]*")
_NEEDED = frozenset({"v", "a", "b", "bh", "d", "h", "s"})


class Checked(NamedTuple):
    """What came of one signature: whose, the verdict (`none`: not one that counts), and why in a word or two."""

    domain: str
    selector: str
    verdict: Verdict
    reason: str


def check_dkim(mail: bytes, key_of: KeyOf, at: datetime | None = None) -> Sequence[Checked]:
    """Every signature of a mail, topmost first, at most `limits.DKIM_SIGNATURES`. `at`: for those that expire."""
    mail = mail[skip_front(mail) :]
    if b"\r\n" not in mail:
        mail = mail.replace(b"\n", b"\r\n")
    if mail.startswith(b"\r\n"):
        return []
    head, _, body = mail.partition(b"\r\n\r\n")
    fields = [
        (name.rstrip().lower(), b"%s:%s" % (name, value))
        for name, value in _FIELD.findall(head[:HEADER_BLOCK_BYTES] + b"\r\n")
    ]
    found: list[Checked] = []
    for name, field in fields:
        if name == b"dkim-signature" and len(found) < DKIM_SIGNATURES:
            found.append(_check(field, fields, body, key_of, at))
    return found


def _check(
    field: bytes, fields: Sequence[tuple[bytes, bytes]], body: bytes, key_of: KeyOf, at: datetime | None
) -> Checked:
    tags = _tags(field.partition(b":")[2].decode("utf-8", "replace"))
    domain, selector = tags.get("d", "").lower(), tags.get("s", "")
    problem = _problem(tags, at)
    if problem:
        return Checked(domain, selector, "fail", problem)
    record = key_of(f"{selector}._domainkey.{domain}")
    if record is None:
        return Checked(domain, selector, "fail", "no key")
    key = _tags(record)
    problem = _problem_of_key(key, tags)
    if problem:
        return Checked(domain, selector, "fail", problem)
    how = tags.get("c", "simple/simple").partition("/")
    if not _body_agrees(tags, body, how[2] or "simple"):
        return Checked(domain, selector, "fail", "the body was altered")
    digest = hashlib.sha256(_signed_head(field, fields, tags, how[0])).digest()
    verifies = ed25519_verifies if tags["a"].startswith("ed25519") else rsa_verifies
    good = verifies(_octets(key["p"]), digest, _octets(tags["b"]))
    return Checked(domain, selector, "pass" if good else "fail", "" if good else "the signature does not fit")


def _tags(text: str) -> Mapping[str, str]:
    """A tag list (RFC 6376 §3.2); of a tag that stands twice, which is an error, the first counts."""
    found: dict[str, str] = {}
    for item in text.split(";"):
        name, equals, value = item.partition("=")
        if equals:
            found.setdefault(name.strip(), value.strip())
    return found


def _problem(tags: Mapping[str, str], at: datetime | None) -> str:
    """The first of the conditions that a signature does not meet; empty when it may count."""
    if not tags.keys() >= _NEEDED or tags["v"] != "1":
        return "not a signature"
    identity = tags.get("i", "@" + tags["d"]).rpartition("@")[2].lower()
    expires = tags.get("x", "")
    problems = {
        "an algorithm that does not count": tags["a"] not in {"rsa-sha256", "ed25519-sha256"},
        "an unknown canonicalization": bool(set(tags.get("c", "simple").split("/")) - {"simple", "relaxed"}),
        "From is not signed": "from" not in _names(tags),
        "signed for another domain": not ("." + identity).endswith("." + tags["d"].lower()),
        "expired": at is not None and expires.isascii() and expires.isdigit() and at.timestamp() > int(expires[:12]),
    }
    return next((problem for problem, given in problems.items() if given), "")


def _problem_of_key(key: Mapping[str, str], tags: Mapping[str, str]) -> str:
    identity = tags.get("i", "@" + tags["d"]).rpartition("@")[2].lower()
    strict = "s" in [flag.strip() for flag in key.get("t", "").split(":")]
    problems = {
        "not a key": key.get("v", "DKIM1") != "DKIM1" or "p" not in key,
        "the key was revoked": not key.get("p"),
        "a key of another kind": key.get("k", "rsa") != tags["a"].partition("-")[0],
        "a key for another hash": "sha256" not in [each.strip() for each in key.get("h", "sha256").split(":")],
        "signed for another domain": strict and identity != tags["d"].lower(),
    }
    return next((problem for problem, given in problems.items() if given), "")


def _names(tags: Mapping[str, str]) -> list[str]:
    return [name.strip().lower() for name in tags["h"].split(":")]


def _body_agrees(tags: Mapping[str, str], body: bytes, how: str) -> bool:
    if how == "relaxed":
        body = b"\r\n".join([_BLANKS.sub(b" ", line).rstrip(b" ") for line in body.split(b"\r\n")])
    body = body[: len(body) - _empty_lines(body)]
    if body and not body.endswith(b"\r\n"):
        body += b"\r\n"
    if not body and how == "simple":
        body = b"\r\n"
    length = tags.get("l")
    if length is not None:
        if not (length.isascii() and length.isdigit()) or int(length[:12]) > len(body):
            return False
        body = body[: int(length[:12])]
    return hashlib.sha256(body).digest() == _octets(tags["bh"])


def _empty_lines(body: bytes) -> int:
    """How many bytes at the end of a body are line breaks beyond the first."""
    end = len(body)
    while body.endswith(b"\r\n", 0, end):
        end -= 2
    return max(0, len(body) - end - (2 if end else 0))


def _signed_head(field: bytes, fields: Sequence[tuple[bytes, bytes]], tags: Mapping[str, str], how: str) -> bytes:
    """What was signed of the head: the named fields, each name from the bottom up, and the signature without `b`."""
    left: dict[bytes, list[bytes]] = {}
    for name, value in fields:
        left.setdefault(name, []).append(value)
    chosen = [left[name].pop() for each in _names(tags) if left.get(name := each.encode("utf-8", "replace"))]
    bare = _SIGNATURE_VALUE.sub(rb"\1", field)
    return b"".join([_canonical(each, how) + b"\r\n" for each in chosen]) + _canonical(bare, how)


def _canonical(field: bytes, how: str) -> bytes:
    if how == "simple":
        return field
    name, _, value = field.partition(b":")
    return name.strip().lower() + b":" + _BLANKS.sub(b" ", _FOLDED.sub(b"", value)).strip(b" \t")


def _octets(text: str) -> bytes:
    try:
        return base64.b64decode(re.sub(r"\s+", "", text))
    except (binascii.Error, ValueError):
        return b""
