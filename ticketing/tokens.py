"""Signed reply addresses and our own Message-IDs: who may speak in a ticket (threading §3, `reply_token`).

Both are lower-case base32 (RFC 4648 §6, without padding), because mail systems fold the case of local parts:

    reply token   key id (1 byte), ticket (16), MAC (16)            53 characters; `support+` and it are 61 of the 64
    Message-ID    key id (1 byte), ticket (16), cause (7), MAC (16)  64 characters   octets of RFC 5321 §4.5.3.1.1
"""

import base64
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bus.errors import ConfigError
from bus.whole_file import write_atomically

KEYS_FILE = "reply-token.keys"
KEYS_VARIABLE = "DESKSTREAM_REPLY_TOKEN_KEYS_FILE"
MIN_SECRET_BYTES = 32

MOST_REVOCATIONS = 15
"""Of one ticket. Each costs a signature more to check in a token that does not verify."""

_MAC = 16
_TICKET = 16
_CAUSE = 7
_TOKEN = 1 + _TICKET + _MAC
_MESSAGE_ID = 1 + _TICKET + _CAUSE + _MAC


@dataclass(frozen=True, slots=True)
class Reading:
    """What a token says: a ticket. Whether it may say so: `genuine`, signed here for that recipient; which
    `generation` it is of (how many times the ticket's tokens had been revoked), and whether by an older key."""

    ticket: str
    genuine: bool
    generation: int = 0
    old_key: bool = False


@dataclass(frozen=True, slots=True)
class ReplyTokens:
    """Signs with the key `current`, verifies with every key. `keys`: id 0-255 → secret of at least 32 bytes."""

    keys: Mapping[int, bytes] = field(repr=False)
    current: int

    def __post_init__(self) -> None:
        assert self.current in self.keys
        assert all(0 <= key < 256 and len(secret) >= MIN_SECRET_BYTES for key, secret in self.keys.items())

    def sign(self, ticket_id: str, recipient: str, generation: int = 0) -> str:
        """The token by which `recipient`, and nobody else, may speak in the ticket (its id: a UUID in hex).

        `generation`: the ticket's, see `Reading`. Raises ValueError when its tokens were revoked too often.
        """
        if not 0 <= generation <= MOST_REVOCATIONS:
            raise ValueError(f"a ticket has at most {MOST_REVOCATIONS + 1} generations of tokens")
        ticket = _bytes_of(ticket_id)
        return _encode(bytes([self.current]) + ticket + self._token_mac(self.current, ticket, recipient, generation))

    def read(self, token: str, recipient: str) -> Reading | None:
        """What it says when `recipient` brings it; None for whatever has not the form of a token."""
        data = _decode(token, _TOKEN)
        if data is None:
            return None
        key, ticket, mac = data[0], data[1 : 1 + _TICKET], data[1 + _TICKET :]
        for generation in range(MOST_REVOCATIONS + 1):
            expected = self._token_mac(key, ticket, recipient, generation)
            if hmac.compare_digest(mac, expected) and key in self.keys:
                return Reading(ticket.hex(), True, generation, key != self.current)
        return Reading(ticket.hex(), genuine=False)

    def verify(self, token: str, recipient: str, generation: int = 0) -> str | None:
        """The ticket whose token of this generation it is, if it was signed for `recipient`, else None."""
        reading = self.read(token, recipient)
        return reading.ticket if reading and reading.genuine and reading.generation == generation else None

    def message_id(self, ticket_id: str, purpose: str, cause: str) -> str:
        """The part before the @ of the Message-ID of what we send: always the same for the same three."""
        ticket = _bytes_of(ticket_id)
        what = hashlib.sha256(f"{purpose}\0{cause}".encode()).digest()[:_CAUSE]
        return _encode(bytes([self.current]) + ticket + what + self._message_mac(self.current, ticket, what))

    def ticket_of_message_id(self, message_id: str) -> str | None:
        """The ticket that a Message-ID of ours names (brackets and domain may be there); None for anybody else's."""
        data = _decode(message_id.strip("<> \t").partition("@")[0], _MESSAGE_ID)
        if data is None:
            return None
        ticket, what, mac = data[1 : 1 + _TICKET], data[1 + _TICKET : -_MAC], data[-_MAC:]
        genuine = hmac.compare_digest(mac, self._message_mac(data[0], ticket, what))
        return ticket.hex() if genuine and data[0] in self.keys else None

    def seal(self, use: str, data: bytes) -> str:
        """Some bytes with their signature, for one use; they can be read by whoever has them."""
        return _encode(bytes([self.current]) + data + self._mac(self.current, use.encode(), data, b""))

    def unseal(self, use: str, text: str, size: int) -> bytes | None:
        """So many bytes that were sealed here for this use, else None."""
        sealed = _decode(text, 1 + size + _MAC)
        if sealed is None:
            return None
        key, data, mac = sealed[0], sealed[1 : 1 + size], sealed[1 + size :]
        genuine = hmac.compare_digest(mac, self._mac(key, use.encode(), data, b""))
        return data if genuine and key in self.keys else None

    def _token_mac(self, key: int, ticket: bytes, recipient: str, generation: int) -> bytes:
        use = b"reply-token/%d" % generation if generation else b"reply-token"
        return self._mac(key, use, ticket, recipient.strip().lower().encode())

    def _message_mac(self, key: int, ticket: bytes, what: bytes) -> bytes:
        return self._mac(key, b"message-id", ticket, what)

    def _mac(self, key: int, use: bytes, ticket: bytes, rest: bytes) -> bytes:
        # an unknown key id costs as much time as a known one; the use keeps one kind of MAC from passing as the other
        secret = self.keys.get(key) or self.keys[self.current]
        return hmac.digest(secret, use + b"\0" + bytes([key]) + ticket + rest, "sha256")[:_MAC]


_IN_BODY = re.compile(r"\[ref:([A-Za-z2-7]{53})\]")


def for_body(token: str) -> str:
    """How a token stands in a text, for channels that keep neither reply addresses nor ids of ours."""
    return f"[ref:{token}]"


def in_body(text: str, most: int) -> list[str]:
    """The first tokens of a text."""
    return [found[1] for found, _ in zip(_IN_BODY.finditer(text), range(most), strict=False)] if "[ref:" in text else []


def load_tokens(data: Path, environment: Mapping[str, str] = os.environ) -> ReplyTokens:
    """The keys of this desk; DIR/reply-token.keys is made (mode 0600) when it is missing and no other file is named.

    Raises ConfigError, which names the file and never shows what is in it.
    """
    named = environment.get(KEYS_VARIABLE)
    path = Path(named) if named else data / KEYS_FILE
    if not named:
        ensure_keys(path)
    try:
        text = path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{KEYS_VARIABLE if named else path}: cannot read the reply-token keys: {error}") from None
    return parse_keys(text, str(path))


def ensure_keys(path: Path) -> None:
    """Make a file with one fresh key unless there is one."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    write_atomically(
        fresh,
        b"# Keys of signed reply addresses: `id secret-in-hex`, one a line; the first signs, all verify.\n"
        b"# To rotate, put a new line with another id (0-255) on top and keep the old ones.\n"
        + f"1 {secrets.token_hex(MIN_SECRET_BYTES)}\n".encode(),
    )
    try:
        path.hardlink_to(fresh)  # unlike a rename it never replaces what another process has made meanwhile
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def parse_keys(text: str, where: str) -> ReplyTokens:
    """The content of a keys file. Raises ConfigError with the line's number."""
    keys: dict[int, bytes] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, secret_hex = line.strip().partition(" ")
        try:
            key, secret = int(name), bytes.fromhex(secret_hex)
        except ValueError:
            raise ConfigError(f"{where}: line {number}: write `id secret-in-hex`") from None
        if not 0 <= key < 256 or key in keys or len(secret) < MIN_SECRET_BYTES:
            raise ConfigError(
                f"{where}: line {number}: wants an id of its own (0-255) and {MIN_SECRET_BYTES} secret bytes or more"
            )
        keys[key] = secret
    if not keys:
        raise ConfigError(f"{where}: holds no key; remove the file and a new one is made")
    return ReplyTokens(keys, next(iter(keys)))


def _bytes_of(ticket_id: str) -> bytes:
    data = bytes.fromhex(ticket_id)
    assert len(data) == _TICKET, "a ticket id is a UUID in hex"
    return data


def _encode(data: bytes) -> str:
    return base64.b32encode(data).decode("ascii").rstrip("=").lower()


def _decode(text: str, size: int) -> bytes | None:
    """The bytes if the text is the one spelling (in either case) of exactly so many."""
    folded = text.lower()
    if len(folded) != (size * 8 + 4) // 5 or not folded.isascii():
        return None
    try:
        data = base64.b32decode(folded.upper() + "=" * (-len(folded) % 8))
    except ValueError:
        return None
    return data if _encode(data) == folded else None
