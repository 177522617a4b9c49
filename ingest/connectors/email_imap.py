"""`email-imap`: a mailbox that is read by IMAP, and answers that leave by SMTP."""

from ingest.contract import Connector, Place, Receiver, Sender
from ingest.imap.raw_mail import raw_key
from ingest.imap.settings import EmailImapSettings
from ingest.mail_sender import mail_sender


def _receiver(settings: EmailImapSettings, place: Place) -> Receiver:
    from ingest.imap.receiver import ImapReceiver

    return ImapReceiver(settings, place)


def _sender(settings: EmailImapSettings, place: Place) -> Sender:
    return mail_sender(place, settings.smtp, settings.addresses[0])


async def _probe(settings: EmailImapSettings, place: Place) -> str:
    from ingest.imap.receiver import ImapReceiver

    return await ImapReceiver(settings, place).describe()


EMAIL_IMAP = Connector(
    name="email-imap",
    channel="email",
    settings=EmailImapSettings,
    raw_key=raw_key,
    receiver=_receiver,
    sender=_sender,
    probe=_probe,
)
