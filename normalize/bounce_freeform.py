"""Bounces in a server's own words, without a report (qmail, old Exim, gateways, providers)."""

import re

from bus.message import Bounce
from normalize import bounce_words, machine_phrases
from normalize.addresses import canonical
from normalize.bounce import SMTP_CODE, STATUS, report_in_text
from normalize.headers import Headers

_READ = 16 * 1024
_DOMAIN = r"(?:[A-Za-z0-9_-]{1,63}\.){0,20}[A-Za-z0-9-]{1,63}"
_ADDRESS = rf"[A-Za-z0-9._%+=&'*/?^{{}}~!#$-]{{1,64}}@{_DOMAIN}"
_RECIPIENTS = (
    re.compile(rf"^[ \t>*]{{0,10}}<({_ADDRESS})>[ \t]{{0,10}}(?::|\(|,|$|\.\.\.)", re.MULTILINE),
    re.compile(rf"^[ \t>*]{{0,10}}(?:Recipient|Final-Recipient|Original-Recipient|User|Failed Recipient|Address"
               rf"|Failed address|Intended recipient|Undeliverable Address|Error-for|Invalid final delivery userid)"
               rf"[^\S\n]{{0,8}}[:;][^\S\n]{{0,8}}(?:rfc822;[^\S\n]{{0,8}})?\[?<?({_ADDRESS})",
               re.MULTILINE | re.IGNORECASE),
    re.compile(rf"RCPT TO:[^\S\n]{{0,8}}<?({_ADDRESS})>?", re.IGNORECASE),
    re.compile(rf"^[ \t>*-]{{0,10}}\"?({_ADDRESS})\"?[^\S\n]{{0,10}}(?::|\(|-|;|$|\.\.\.)", re.MULTILINE),
)  # fmt: skip
_ANY_ADDRESS = re.compile(_ADDRESS)
_IN_BRACKETS = re.compile(rf"<({_ADDRESS})>")
_TO_THE_FOLLOWING = re.compile(r"(?:following|recipients?|addressees?)[^\n]{0,80}:?[ \t]*\n", re.IGNORECASE)
_NAME_ON_A_LINE = re.compile(r"^[ \t]{1,12}([A-Za-z0-9][A-Za-z0-9._+-]{1,63})(?:[ \t]{2,}.{0,200})?$", re.MULTILINE)
_BEFORE = 60
_ADDRESSES = 200
_MESSAGE_ID = re.compile(r"^[ \t>]{0,8}Message-I[dD]:\s{0,4}<([^<>\s]{1,400})>", re.MULTILINE | re.IGNORECASE)
_STATUS_FIELD = re.compile(r"^[ \t>]{0,8}Status:\s{0,8}([245]\.\d{1,3}\.\d{1,3})", re.MULTILINE | re.IGNORECASE)
_RECIPIENT_FIELD = re.compile(
    rf"^[ \t>]{{0,8}}(Original|Final)-Recipient:\s{{0,8}}(?:rfc822\s{{0,4}};)?\s{{0,8}}<?({_ADDRESS})",
    re.MULTILINE | re.IGNORECASE,
)
_DIAGNOSTIC_FIELD = re.compile(r"^[ \t>]{0,8}Diagnostic-Code:\s{0,8}(?:\w{1,10};\s{0,4})?(.{1,900})", re.MULTILINE)
_TO_FIELD = re.compile(rf"^[ \t>]{{0,8}}To:[^\n]{{0,100}}?({_ADDRESS})", re.MULTILINE)


def read_freeform(
    headers: Headers, text: str, author: str, not_recipients: frozenset[str], *, sure: bool
) -> Bounce | None:
    """What the words say; None when they tell of no failed delivery and the fields are not `sure` of one either.

    Reads the first 16 KiB. `author` of this bounce; `not_recipients`: to whom it was written, and by whom.
    """
    text = text[:_READ]
    said = text
    divider = bounce_words.ORIGINAL.search(text)
    if divider and divider.start() > 40:
        said = text[: divider.start()]
    failed = headers.undecoded(b"x-failed-recipients")
    words = bounce_words.flat(said)
    if not failed and not sure and not bounce_words.FAILURE.search(words):
        return None
    report = report_in_text(text)
    if report is not None and report.bounce.recipient and report.action in {"failed", "delayed", ""}:
        original = _MESSAGE_ID.search(text)
        return report.bounce.model_copy(update={"original_message_id": original[1] if original else None})
    if failed:
        recipient: str | None = canonical(failed.split(",")[0])
    else:
        recipient = (
            _recipient(said, not_recipients)
            or _recipient(text, not_recipients)
            or _addressee(text)
            or _local_recipient(said, author)
        )
    status = _status(said, words, text)
    original = _MESSAGE_ID.search(text)
    return Bounce(
        recipient=recipient,
        status=status,
        permanent=status.startswith("5"),
        diagnostic=_diagnostic(said, text),
        original_message_id=original[1] if original else None,
    )


def _recipient(text: str, not_recipients: frozenset[str]) -> str | None:
    """The address that failed: from fields of a report in the text, then by how it stands there."""
    fields = {found[1].lower(): canonical(found[2]) for found in _RECIPIENT_FIELD.finditer(text)}
    if fields:
        return fields.get("original") or fields["final"]
    for pattern in _RECIPIENTS:
        for found in pattern.finditer(text):
            if address := _possible(found[1], not_recipients):
                return address
    introduced: str | None = None
    bracketed: str | None = None
    bare: str | None = None
    for number, found in enumerate(_ANY_ADDRESS.finditer(text)):
        address = _possible(found[0], not_recipients)
        if number > _ADDRESSES or introduced:
            break
        if not address:
            continue
        before = " ".join(text[max(0, found.start() - _BEFORE) : found.start()].split())
        if bounce_words.RECIPIENT_AFTER.search(before):
            introduced = address
        if bracketed is None and text[found.start() - 1 : found.start()] == "<":
            bracketed = address
        bare = bare or address
    return introduced or bracketed or bare


def _possible(found: str, not_recipients: frozenset[str]) -> str | None:
    address = canonical(found.rstrip(".'"))
    if address.lower() in not_recipients or machine_phrases.DAEMON.match(address.partition("@")[0]):
        return None
    return address


def _addressee(text: str) -> str | None:
    """To whom the mail that came back had been sent, where its head is repeated."""
    found = _TO_FIELD.search(text)
    return canonical(found[1]) if found else None


def _local_recipient(text: str, author: str) -> str | None:
    """Some servers name the mailbox only: it lies in the domain that the server writes from."""
    begin = _TO_THE_FOLLOWING.search(text)
    found = _NAME_ON_A_LINE.search(text, begin.end()) if begin else None
    labels = author.partition("@")[2].split(".")
    if found is None or len(labels) < 2:
        return None
    length = 3 if len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3 else 2
    return canonical(f"{found[1]}@{'.'.join(labels[-length:])}")


def _status(said: str, words: str, text: str) -> str:
    """The code that stands there, else the one that the words stand for; at least its class."""
    field = _STATUS_FIELD.search(text)
    code = field[1] if field and field[1][0] != "2" else None
    if code is None or code.endswith(".0.0"):
        better = next((m[1] for m in STATUS.finditer(said) if m[1][0] != "2" and m[1][0] in (code or "45")), None)
        code = better or code
    if code:
        return code
    by_words = next((status for status, phrases in bounce_words.REASONS if phrases.search(words)), None)
    smtp = SMTP_CODE.search(said)
    kind = smtp[1] if smtp else None
    if kind is None and bounce_words.DELAYED.search(words):
        kind = "4"
    if by_words and (kind is None or by_words[0] == kind):
        return by_words
    return f"{kind or '5'}.0.0"


def _diagnostic(said: str, text: str) -> str | None:
    field = _DIAGNOSTIC_FIELD.search(text)
    if field:
        return field[1].strip()[:1000]
    for line in said.splitlines():
        if STATUS.search(line) or SMTP_CODE.search(line):
            return line.strip()[:1000]
    return None
