"""Passwords by argon2id with the parameters that RFC 9106 §4 gives for little memory, in threads: a core is busy."""

import asyncio
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from bus.errors import Invalid

SHORTEST, LONGEST = 12, 1_000
_HASHER: Final = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
_AT_ONCE: Final = 2
"""Each takes 64 MiB while it runs."""
_turn = asyncio.Semaphore(_AT_ONCE)

NOBODYS: Final = (
    "$argon2id$v=19$m=65536,t=3,p=4$bm9ib2R5J3MgcGFzc3dvcmQ$" + "A" * 43  # what an unknown name is compared with
)


async def hashed(password: str) -> str:
    """What to keep. Raises Invalid for a password that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Invalid(f"a password has {SHORTEST} to {LONGEST} characters")
    async with _turn:
        return await asyncio.to_thread(_HASHER.hash, password)


async def matches(kept: str | None, password: str) -> bool:
    """Whether it is the password; it takes the same time when nobody has that name (`kept` None)."""
    if len(password) > LONGEST:
        return False
    async with _turn:
        return await asyncio.to_thread(_matches, kept or NOBODYS, password)


def _matches(kept: str, password: str) -> bool:
    try:
        return _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False
