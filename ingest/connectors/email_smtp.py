"""`email-smtp`: mail that is delivered to us by SMTP, and answers that leave by SMTP."""

from bus.raw import RawMessage
from ingest.contract import Connector, Place, Receiver, Sender
from ingest.mail_sender import mail_sender
from ingest.smtp.settings import EmailSmtpSettings


def _raw_key(raw: RawMessage) -> str:
    return raw.envelope_from or ""


def _receiver(settings: EmailSmtpSettings, place: Place) -> Receiver:
    from ingest.smtp.receiver import SmtpReceiver

    return SmtpReceiver(settings, place)


def _sender(settings: EmailSmtpSettings, place: Place) -> Sender:
    return mail_sender(place, settings.smtp, settings.addresses[0])


EMAIL_SMTP = Connector(
    name="email-smtp",
    channel="email",
    settings=EmailSmtpSettings,
    raw_key=_raw_key,
    receiver=_receiver,
    sender=_sender,
)
