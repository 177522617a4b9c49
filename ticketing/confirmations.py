"""The confirmations of one batch: what each ticket's would be, unless a brake holds it. Pure."""

from datetime import datetime

from bus.reply import Reply
from ticketing.brakes import Asked, Brakes, BrakesKnown
from ticketing.confirm import Confirming, Opening, Suppressed
from ticketing.identities import mailbox_of


class Confirmations:
    """Answers for one opening after the other. `brakes` holds what has changed afterwards."""

    def __init__(self, confirming: Confirming, brakes: Brakes) -> None:
        self._confirming = confirming
        self.brakes = brakes

    def __call__(self, opening: Opening) -> Reply | Suppressed:
        """The confirmation, or the one reason why there is none."""
        reply = self._confirming.confirm(opening)
        if isinstance(reply, Suppressed):
            return reply
        asked = Asked(
            account=reply.account,
            mailbox=mailbox_of(reply.recipient.kind, reply.recipient.address),
            stranger=not (opening.author.verified or opening.known),
            origin=opening.origin,
            chain=opening.chain,
            subject=opening.subject,
            words=opening.words,
            received_at=opening.received_at,
        )
        reason = self.brakes.refuse(asked)
        if reason is not None:
            return Suppressed(reason)
        self.brakes.passed(asked, reply.subject or "")
        return reply


def confirmations(confirming: Confirming, known: BrakesKnown, now: datetime) -> Confirmations:
    """Of a batch that is decided at this time."""
    return Confirmations(confirming, Brakes(confirming.settings, confirming.desk.confirmations_per_day, known, now))
