"""The receiving part of the window beside its routes: reading what the desk says."""

from ingest.contract import Emit
from ingest.live_replies import LiveReplies


class HearingTheDesk:
    """Receiver (ingest.contract) that takes nothing from a source: while it runs, replies are shown."""

    def __init__(self, live: LiveReplies) -> None:
        self._live = live

    async def run(self, emit: Emit) -> None:  # noqa: ARG002  # visitors' words come in by the routes
        """Until cancelled; then whoever waits for a reply is let go. Raises Retryable."""
        await self._live.run()
