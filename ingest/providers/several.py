"""Several receivers as the one that a connector has: a webhook, and the poll that finds what it missed."""

import asyncio

from ingest.contract import Emit, Receiver


class Several:
    """Receiver that runs all of them; the first that fails ends the others and tells its error."""

    def __init__(self, *receivers: Receiver) -> None:
        self._receivers = receivers

    async def run(self, emit: Emit) -> None:
        """Until cancelled. Raises what the first to fail has raised."""
        running = [asyncio.create_task(receiver.run(emit)) for receiver in self._receivers]
        try:
            await asyncio.wait(running, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for task in running:
                task.cancel()
            outcomes = await asyncio.gather(*running, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
