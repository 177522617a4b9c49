"""What a customer can quote of a message before it has a ticket: twelve characters of the message's own id.

It is computed by whoever received the message, without asking the desk, and leads the desk to the message: the first
60 bits of the `message_id`, in Crockford's base 32 (no I, L, O, U), as in `K7Q2-9XMP-41AB`.
"""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)} | {"I": 1, "L": 1, "O": 0}
_LETTERS, _DIGITS = 12, 15


def reference_of(message_id: str) -> str:
    """The reference of a message by its id (64 hexadecimal digits)."""
    bits = int(message_id[:_DIGITS], 16)
    letters = "".join(_ALPHABET[bits >> shift & 31] for shift in range(5 * (_LETTERS - 1), -1, -5))
    return "-".join(letters[at : at + 4] for at in range(0, _LETTERS, 4))


def beginning_of_id(reference: str) -> str | None:
    """The hexadecimal digits with which the message's id begins; None for what is no reference.

    It is read as people write: small letters, with or without dashes, I and L for 1, O for 0.
    """
    letters = reference.strip().upper().replace("-", "").replace(" ", "")
    if len(letters) != _LETTERS or not all(letter in _VALUES for letter in letters):
        return None
    bits = 0
    for letter in letters:
        bits = bits << 5 | _VALUES[letter]
    return f"{bits:0{_DIGITS}x}"
