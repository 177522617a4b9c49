"""The link by which a customer rates: signed, for one answer or for a whole conversation. Pure."""

from dataclasses import dataclass

from ticketing.tokens import ReplyTokens

_USE = "rating"
_ID = 16
_WHOLE = bytes(_ID)


@dataclass(frozen=True, slots=True)
class Rated:
    """What a link is about. `reply_id`: None for the whole conversation."""

    ticket_id: str
    reply_id: str | None


def token_for(tokens: ReplyTokens, what: Rated) -> str:
    """What stands behind `/r/`."""
    about = bytes.fromhex(what.reply_id) if what.reply_id is not None else _WHOLE
    return tokens.seal(_USE, bytes.fromhex(what.ticket_id) + about)


def read_token(tokens: ReplyTokens, token: str) -> Rated | None:
    """What it is about; None when it was not signed here for this."""
    data = tokens.unseal(_USE, token, 2 * _ID)
    if data is None:
        return None
    about = data[_ID:]
    return Rated(data[:_ID].hex(), None if about == _WHOLE else about.hex())


def link(url: str, tokens: ReplyTokens, what: Rated) -> str:
    """The whole address. `url`: of the desk, as customers reach it."""
    return f"{url.rstrip('/')}/r/{token_for(tokens, what)}"
