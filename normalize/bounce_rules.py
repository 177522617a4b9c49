"""Which mails tell of other mails: bounces, delays, receipts, complaints."""

from bus.message import Automation
from normalize import bounce_words, machine_phrases
from normalize.addresses import parse_addresses
from normalize.bounce import leaves, original_message_id, read_report, report_within
from normalize.bounce_freeform import read_freeform
from normalize.language_tables import folded
from normalize.letter import Letter

_READ = 4000


def feedback(letter: Letter) -> Automation | None:
    """Abuse reports (RFC 5965)."""
    root = letter.root
    if root.content_type.parameters.get("report-type", "").lower() == "feedback-report" or (
        root.parts and any(part.type == "message/feedback-report" for part in leaves(root))
    ):
        return Automation(kind="feedback_report", reason="report:feedback-report")
    if root.parts and machine_phrases.FEEDBACK_SUBJECT.match(letter.subject):
        return Automation(kind="feedback_report", reason="subject:complaint")
    if b"x-apple-unsubscribe" in letter.headers:  # what iCloud sends when its user declines further mails
        return Automation(kind="feedback_report", reason="field:x-apple-unsubscribe")
    return None


def report(letter: Letter) -> Automation | None:
    """Reports on a delivery (RFC 3464) or of a reading (RFC 8098)."""
    root = letter.root
    if not root.parts:
        return None
    kind = root.content_type.parameters.get("report-type", "").lower()
    rejected = b"rejected" in letter.headers.raw(b"auto-submitted")
    if root.type == "multipart/report" and "disposition" in kind and not rejected:
        return Automation(kind="auto_reply", reason="report:disposition-notification")
    found = read_report(letter.data, root)
    if found is None:
        return None
    if found.action in {"delivered", "relayed", "expanded"}:
        return Automation(kind="system", reason=f"report:{found.action}")
    reason = "report:delayed" if found.action == "delayed" else "report:delivery-status"
    return Automation(kind="bounce", reason=reason, bounce=found.bounce)


def in_words(letter: Letter) -> Automation | None:
    """A server's own words, believed only from a server: daemon author, null sender or a telling field."""
    local, _, domain = letter.author.partition("@")
    daemon = machine_phrases.DAEMON.match(local) is not None
    daemon = daemon or folded(letter.author_name).startswith(bounce_words.AUTHORS)
    failed = b"x-failed-recipients" in letter.headers
    subject = folded(letter.subject)
    may_tell = bounce_words.subject_may_tell(subject)
    telling = may_tell and bounce_words.SUBJECT.search(subject) is not None
    report = letter.root.type == "multipart/report"
    generated = letter.headers.raw(b"auto-submitted").lower().startswith((b"auto-generated", b"auto-replied"))
    silent = letter.null_sender or generated or not domain
    sure = failed or (telling and (daemon or letter.null_sender))
    named = _dialects_named(letter, subject, may_tell=may_tell, by_server=daemon or silent)
    words = bounce_words.flat(letter.text[:_READ]) if telling or daemon or silent or named else ""
    spoken = telling and (silent or bounce_words.SERVERS.search(words) is not None)
    dialect = next((each.name for each in named if each.text is None or each.text.search(words)), None)
    if not (sure or report or spoken or daemon or dialect):
        return None
    if letter.subject[:3].lower() in {"re:", "fw:", "fwd"} and not (daemon or letter.null_sender):
        return None
    replied = letter.headers.raw(b"auto-submitted").lower().startswith(b"auto-replied")
    if replied and not (failed or daemon or report or dialect):
        return None
    addressed = {box.address.lower() for box in parse_addresses(letter.headers.joined(b"to"))}
    not_recipients = frozenset(addressed | {letter.author.lower()})
    if daemon and (within := report_within(letter.data, letter.root)) is not None:
        return Automation(kind="bounce", reason="report:within", bounce=within.bounce)
    bounce = read_freeform(letter.headers, letter.text, letter.author, not_recipients, sure=sure or dialect is not None)
    if bounce is None:
        return None
    if bounce.original_message_id is None:
        original = original_message_id(letter.data, letter.root) if letter.root.parts else None
        bounce = bounce.model_copy(update={"original_message_id": original})
    reason = f"dialect:{dialect}" if dialect else "words:delivery-failed"
    return Automation(kind="bounce", reason=reason, bounce=bounce)


def _dialects_named(letter: Letter, subject: str, *, may_tell: bool, by_server: bool) -> list[bounce_words.Dialect]:
    """The servers' dialects of which all that lies outside the text holds; those of the text only from a server."""
    return [
        dialect
        for dialect in bounce_words.DIALECTS
        if (may_tell and dialect.subject.search(subject) if dialect.subject else by_server or dialect.fields)
        and all(field in letter.headers for field in dialect.fields)
        and (dialect.author is None or dialect.author.search(letter.author.lower()))
    ]
