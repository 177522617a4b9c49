"""The normalizer alone, at three depths, each beside the standard library's reading of the same mails."""

import contextlib
import email
import hashlib
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.policy import default
from pathlib import Path

from bus.message import INLINE_RAW_BYTES
from bus.model import BlobRef
from bus.raw import Inline, RawMessage
from normalize.addresses import parse_addresses
from normalize.attachments import read_attachments
from normalize.bodies import Written, choose_bodies, read_bodies
from normalize.front import skip_front, with_line_feeds
from normalize.headers import read_headers
from normalize.language import detect_language
from normalize.outcome import Understood
from normalize.structure import Part, read_structure
from normalize.table import NORMALIZERS
from tests.mails.generator import DESK, GeneratedMail

GOALS = {
    "normalizer, structure and text × standard library": "≥ 12",
    "normalizer, all decoded and hashed × standard library": "≥ 6",
    "normalizer, whole message as JSON × standard library": "≥ 3",
    "normalizer, slowest mail beyond the standard library, ms": "≤ 5",
    "language, CPU µs per mail": "≤ 100",
}
_ADDRESS_FIELDS = (b"from", b"to", b"cc", b"bcc", b"reply-to", b"sender")


def normalizer_us(mails: Sequence[GeneratedMail]) -> float:
    """Microseconds of CPU per mail, from bytes to the JSON that goes on the topic."""
    normalize = NORMALIZERS["email"]
    records = [(raw_record(mail), mail.data) for mail in mails]
    began = time.process_time()
    for record, data in records:
        for outcome in normalize(record, data):
            outcome.message.to_json()  # type: ignore[union-attr]  # no generated mail is ignored
    return (time.process_time() - began) / len(mails) * 1e6


def measure(mails: Sequence[GeneratedMail], runs: int) -> Mapping[str, float]:
    """Medians of the three depths, of the language and of the worst mail."""
    records = [(raw_record(mail), mail.data) for mail in mails]
    depths: Mapping[str, Callable[[RawMessage, bytes], object]] = {
        "structure and text": lambda _, data: _structure_and_text(data),
        "all decoded and hashed": lambda _, data: _all_decoded(data),
        "whole message as JSON": _whole,
    }
    yardstick, *costs = zip(
        *[[_each(f, records) for f in (_standard_library, *depths.values())] for _ in range(runs)], strict=True
    )
    theirs = [sum(run) for run in yardstick]
    figures = {"standard library, CPU µs per mail": statistics.median(theirs) / len(mails) * 1e6}
    for name, cost in zip(depths, costs, strict=True):
        ours = [sum(run) for run in cost]
        figures[f"normalizer, {name}, CPU µs per mail"] = statistics.median(ours) / len(mails) * 1e6
        ratios = [their / our for their, our in zip(theirs, ours, strict=True)]
        figures[f"normalizer, {name} × standard library"] = statistics.median(ratios)
    figures["normalizer, slowest mail beyond the standard library, ms"] = max(
        (min(mine) - min(its)) * 1e3
        for mine, its in zip(zip(*costs[-1], strict=True), zip(*yardstick, strict=True), strict=True)
    )
    replies = [_reply(record, data) for record, data in records]
    began = time.process_time()
    for reply in replies:
        detect_language(reply)
    figures["language, CPU µs per mail"] = (time.process_time() - began) / len(mails) * 1e6
    return figures


def mails_in(folder: Path) -> Sequence[GeneratedMail]:
    """Every mail (`*.eml`, `*.box`, `*.txt`, `*.raw`) below a folder, as if a customer had sent it."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in {".eml", ".box", ".txt", ".raw"})
    return [GeneratedMail("new", "", None, "customer1@company1.example", path.read_bytes()) for path in files]


def raw_record(mail: GeneratedMail) -> RawMessage:
    """As the SMTP connector would have put it on its topic."""
    large = len(mail.data) > INLINE_RAW_BYTES
    return RawMessage(
        channel="email",
        account="bench",
        received_at=datetime.now(UTC),
        payload=BlobRef(blob="sha256/0", size=len(mail.data)) if large else Inline(base64=mail.data),
        envelope_from=mail.sender,
        envelope_to=[DESK],
        own_addresses=[DESK],
    )


def _each(read: Callable[[RawMessage, bytes], object], records: Sequence[tuple[RawMessage, bytes]]) -> list[float]:
    spent = []
    now = time.process_time()
    for record, data in records:
        read(record, data)
        before, now = now, time.process_time()
        spent.append(now - before)
    return spent


def _standard_library(_: RawMessage, data: bytes) -> None:
    with contextlib.suppress(Exception):  # it raises all sorts of things on what is malformed
        email.message_from_bytes(data, policy=default).get_body()


def _structure_and_text(data: bytes) -> tuple[bytes, Part, Written]:
    data = with_line_feeds(data)
    block = read_headers(data, skip_front(data), len(data))
    root = read_structure(data, block.headers, block.body, len(data), [])
    return data, root, read_bodies(data, choose_bodies(root), [])


def _all_decoded(data: bytes) -> bytes:
    data, root, written = _structure_and_text(data)
    for name in root.headers.names():
        root.headers.text(name)
    for name in _ADDRESS_FIELDS:
        parse_addresses(root.headers.joined(name))
    read_attachments(data, choose_bodies(root).attached, written.files, [], {})
    digest = hashlib.sha256(written.text.encode())
    digest.update((written.html or "").encode())
    return digest.digest()


def _whole(record: RawMessage, data: bytes) -> None:
    for outcome in NORMALIZERS["email"](record, data):
        if isinstance(outcome, Understood):
            outcome.message.to_json()


def _reply(record: RawMessage, data: bytes) -> str:
    (outcome,) = NORMALIZERS["email"](record, data)
    reply = outcome.message.reply_text if isinstance(outcome, Understood) else ""
    return reply if isinstance(reply, str) else ""
