"""Bounces in a server's own words, without a report (qmail, old Exim, gateways, providers)."""

import re

from bus.message import Bounce
from normalize import machine_phrases
from normalize.addresses import canonical
from normalize.bounce import SMTP_CODE, STATUS
from normalize.headers import Headers

_READ = 16 * 1024
_ADDRESS = r"[A-Za-z0-9._%+=&'*/?^{}~!#$-]{1,64}@[A-Za-z0-9.-]{1,255}"
_RECIPIENTS = (
    re.compile(rf"^[ \t>*]{{0,10}}<({_ADDRESS})>[ \t]{{0,10}}(?::|\(|,|$|\.\.\.)", re.MULTILINE),
    re.compile(rf"^[ \t>*]{{0,10}}(?:Recipient|Final-Recipient|Original-Recipient|User|Failed Recipient|Address"
               rf"|Failed address)[^\S\n]{{0,8}}[:;][^\S\n]{{0,8}}(?:rfc822;[^\S\n]{{0,8}})?\[?<?({_ADDRESS})",
               re.MULTILINE | re.IGNORECASE),
    re.compile(rf"RCPT TO:[^\S\n]{{0,8}}<({_ADDRESS})>", re.IGNORECASE),
    re.compile(rf"^[ \t>*]{{0,10}}\"?({_ADDRESS})\"?[^\S\n]{{0,10}}(?::|\(|-|$|\.\.\.)", re.MULTILINE),
    re.compile(rf"<({_ADDRESS})>"),
    re.compile(rf"({_ADDRESS})"),
)  # fmt: skip
_ORIGINAL = re.compile(
    r"^[ \t>-]*(?:.{0,12}(?:original message|copy of (?:the|your) message|below this line is a copy|"
    r"returned message|included is|unsent message|"
    r"message headers? follow|undelivered message|headers? of (?:the )?(?:original|message)|forwarded message|"
    r"this is a copy).{0,120}|Received: (?:from|by) .*|Return-Path: .*)$",
    re.IGNORECASE | re.MULTILINE,
)
_MESSAGE_ID = re.compile(r"^[ \t>]{0,8}Message-I[dD]:\s{0,4}<([^<>\s]{1,400})>", re.MULTILINE | re.IGNORECASE)


def read_freeform(headers: Headers, text: str, not_recipients: frozenset[str], *, sure: bool) -> Bounce | None:
    """What the words say; None when they tell of no failed delivery and the fields are not `sure` of one either.

    Reads the first 16 KiB.
    """
    text = text[:_READ]
    said = text
    divider = _ORIGINAL.search(text)
    if divider and divider.start() > 40:
        said = text[: divider.start()]
    failed = headers.undecoded(b"x-failed-recipients")
    if not failed and not sure and not machine_phrases.FAILURE.search(said):
        return None
    recipient = None
    if failed:
        recipient = canonical(failed.split(",")[0])
    else:
        recipient = _recipient(said, not_recipients) or _recipient(text, not_recipients)
    status = _status(said)
    original = _MESSAGE_ID.search(text)
    return Bounce(
        recipient=recipient,
        status=status,
        permanent=status.startswith("5"),
        diagnostic=_diagnostic(said),
        original_message_id=original[1] if original else None,
    )


def _recipient(text: str, not_recipients: frozenset[str]) -> str | None:
    for pattern in _RECIPIENTS:
        for found in pattern.finditer(text):
            address = canonical(found[1].rstrip(".'"))
            if address.lower() not in not_recipients and not machine_phrases.DAEMON.match(address.partition("@")[0]):
                return address
    return None


def _status(text: str) -> str:
    """The code that stands there, or the one that the words stand for; at least its class."""
    code = next((m[1] for m in STATUS.finditer(text) if m[1][0] != "2"), None)
    if code and not code.endswith(".0.0"):
        return code
    by_words = next((status for status, words in machine_phrases.REASONS if words.search(text)), None)
    smtp = SMTP_CODE.search(text)
    kind = code[0] if code else smtp[1] if smtp else None
    if by_words and (kind is None or by_words[0] == kind):
        return by_words
    if kind is None:
        kind = "4" if machine_phrases.DELAYED.search(text) else "5"
    return f"{kind}.0.0"


def _diagnostic(text: str) -> str | None:
    for line in text.splitlines():
        if STATUS.search(line) or SMTP_CODE.search(line):
            return line.strip()[:1000]
    return None
