"""Content-Transfer-Encoding (RFC 2045 §6) and uuencode, with the damage that mails come with."""

import binascii
import re
from itertools import islice
from typing import NamedTuple

from normalize.limits import BASE64_RUNS, BLANKS_AFTER_SOFT_BREAKS

_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_SOFT_BREAK_BLANK = re.compile(rb"=[ \t]+(?=\r?\n)")
_RUN = re.compile(rb"[^=]+")
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} ([^\r\n]{1,255})\r?$", re.MULTILINE)


_AS_IT_IS = frozenset({"", "7bit", "8bit", "binary"})
_NO_LETTER = re.compile(r"[^a-z0-9]+")
_MEANT = {  # what stands there, without blanks and hyphens, in place of the five names
    "base64": "base64", "xbase64": "base64", "b64": "base64", "quotedprintable": "quoted-printable",
    "qp": "quoted-printable", "7bits": "7bit", "8bits": "8bit", "7bit": "7bit", "8bit": "8bit", "none": "8bit",
    "raw": "8bit", "unencoded": "8bit", "plain": "8bit", "utf8": "8bit",
}  # fmt: skip


class Octets(NamedTuple):
    """Decoded bytes and, when they were damaged, the warning that says so."""

    data: bytes
    warning: str | None


def decode_transfer(data: bytes, encoding: str) -> Octets:
    """The bytes of a body. `encoding` as declared, lower-case; an unknown one leaves the bytes as they are."""
    if encoding in _AS_IT_IS:
        return Octets(data, None)
    if encoding == "base64":
        return decode_base64(data)
    if encoding == "quoted-printable":
        if b"=" not in data:
            return Octets(data, None)
        return Octets(binascii.a2b_qp(_without_blanks_after_soft_breaks(data)), None)
    if encoding in {"x-uuencode", "uuencode", "x-uue", "uue"}:
        return decode_uuencode(data)
    meant = _MEANT.get(_NO_LETTER.sub("", encoding))
    return decode_transfer(data, meant) if meant is not None else Octets(data, "transfer:unknown-encoding")


def _without_blanks_after_soft_breaks(data: bytes) -> bytes:
    if b"= " not in data and b"=\t" not in data:
        return data
    if data.count(b"= ") + data.count(b"=\t") <= BLANKS_AFTER_SOFT_BREAKS:
        return _SOFT_BREAK_BLANK.sub(b"=", data)
    for blank in (b"= ", b"=\t"):  # `sub` would keep a hundred bytes for each
        data = data.replace(blank + b"\n", b"=\n").replace(blank + b"\r\n", b"=\r\n")
    return data


def decode_base64(data: bytes) -> Octets:
    """Base64 of one or several padded runs, without padding, with lines of other things around it."""
    stripped = data.strip()
    try:
        return Octets(binascii.a2b_base64(_joined(stripped), strict_mode=True), None)
    except binascii.Error:
        return _damaged_base64(stripped)


def _joined(data: bytes) -> bytes:
    return data.translate(None, b"\r\n \t") if b"\n" in data or b"\r" in data or b" " in data else data


def _damaged_base64(data: bytes) -> Octets:
    encoded = data.replace(b"\r\n", b"\n")
    if b"-" in data[:4096] or b"_" in data[:4096]:
        encoded = encoded.partition(b"\n--")[0].partition(b"\n_____")[0].rstrip()  # a mailing list's footer
        if b"+" not in encoded and b"/" not in encoded:
            encoded = encoded.translate(_URL_SAFE)
    if encoded.count(b" ") * 20 > len(encoded) and encoded.count(b" ") > encoded.count(b"\n"):  # blanks between words
        return Octets(data, "transfer:not-base64")
    cleaned = encoded.translate(None, _NOT_BASE64)
    if not cleaned:
        return Octets(data, "transfer:damaged-base64" if data else None)
    if len(cleaned) * 4 < len(_joined(encoded)) * 3:
        return Octets(data, "transfer:not-base64")
    out = bytearray()
    for found in islice(_RUN.finditer(cleaned), BASE64_RUNS):
        run = found[0]
        whole = len(run) - (1 if len(run) % 4 == 1 else 0)
        out += binascii.a2b_base64(run[:whole] + b"=" * (-whole % 4))
    return Octets(bytes(out), "transfer:damaged-base64")


def decode_uuencode(data: bytes) -> Octets:
    """The bytes of one uuencoded file; lines that are no uuencode end it."""
    begin = _UU_BEGIN.search(data)
    if begin is None:
        return Octets(data, "transfer:damaged-uuencode")
    return _uu_lines(data, begin.end())[0]


class UuFile(NamedTuple):
    """A file that stood uuencoded in a text: where, its name, and its bytes."""

    start: int
    end: int
    name: bytes
    data: bytes


def uuencoded_files(data: bytes, at_most: int) -> list[UuFile]:
    """Files that stand uuencoded in the middle of a text body. Linear."""
    found: list[UuFile] = []
    at = 0
    while len(found) < at_most and (begin := _UU_BEGIN.search(data, at)):
        octets, at = _uu_lines(data, begin.end())
        if octets.warning is None and octets.data:
            found.append(UuFile(begin.start(), at, begin.group(1).strip(), octets.data))
    return found


def _uu_lines(data: bytes, at: int) -> tuple[Octets, int]:
    out = bytearray()
    at = data.find(b"\n", at) + 1 or len(data)
    while at < len(data):
        stop = data.find(b"\n", at)
        stop = len(data) if stop < 0 else stop
        line = data[at:stop].rstrip(b"\r\n")
        at = stop + 1
        if line.strip() == b"end":
            return Octets(bytes(out), None), at
        try:
            out += binascii.a2b_uu(line)
        except binascii.Error:
            try:  # trailing garbage: what the length byte says counts
                length = (line[0] - 32) & 63
                out += binascii.a2b_uu(line[: (length * 8 + 5) // 6 + 1])
            except (binascii.Error, IndexError):
                break
    return Octets(bytes(out), "transfer:damaged-uuencode"), min(at, len(data))
