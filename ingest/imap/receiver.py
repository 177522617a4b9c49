"""The receiving part of `email-imap`."""

from ingest.contract import Emit, Place
from ingest.imap.cursor import MailboxCursor
from ingest.imap.poller import ImapPoller
from ingest.imap.settings import EmailImapSettings
from ingest.oauth2.access import Access
from ingest.polling import Polling


class ImapReceiver:
    """Receiver (ingest.contract). Making it raises ConfigError for files that cannot be used."""

    def __init__(self, settings: EmailImapSettings, place: Place) -> None:
        where = f"[connectors.{place.name}]"
        access = None
        if settings.oauth2 is not None:
            access = Access(settings.oauth2, place.data / "tokens" / f"{place.name}.json")
            if settings.oauth2.expires_on is not None:
                place.source.expires(settings.oauth2.expires_on)
        self._poller = ImapPoller(settings, place, settings.tls_context(where), access)
        self._polling = Polling(self._poller, MailboxCursor, place, every=settings.poll_every, wait=self._poller.wait)

    async def run(self, emit: Emit) -> None:
        """See Receiver."""
        try:
            await self._polling.run(emit)
        finally:
            self._poller.close()

    async def describe(self) -> str:
        """Sign in and look, changing nothing. Raises Retryable."""
        return await self._poller.describe()
