"""Which telephone system's payload it is."""

from collections.abc import Callable, Sequence

from bus.errors import Invalid
from bus.raw import RawMessage
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields
from normalize.payload.request import read_request
from normalize.phone.cti import cti, is_cti, is_simquadrat
from normalize.phone.exotel import exotel, is_exotel
from normalize.phone.placetel import is_placetel, placetel
from normalize.phone.twilio import is_twilio_voice, twilio_voice

_SYSTEMS: tuple[tuple[Callable[[Fields], bool], Callable[[RawMessage, Fields], Understood | Ignored]], ...] = (
    (is_placetel, placetel),
    (is_cti, cti),
    (is_exotel, exotel),
    (is_twilio_voice, twilio_voice),
)


def normalize_phone(record: RawMessage, payload: bytes) -> Sequence[Understood | Ignored]:
    """The call of each event of the body. Raises Invalid when no telephone system known here writes so."""
    request = read_request(record, payload)
    return [_call(record, fields) for fields in request.items] or [Ignored("a body without an event")]


def _call(record: RawMessage, fields: Fields) -> Understood | Ignored:
    for recognises, read in _SYSTEMS:
        if recognises(fields):
            return read(record, fields)
    if is_simquadrat(fields):
        return Ignored("a call without an id: what becomes of it could not be told")
    raise Invalid("not an event of a telephone system that is known here")
