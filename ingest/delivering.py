"""Delivering files by SMTP: several sessions, the order of the files kept within each."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import parseaddr
from pathlib import Path

import aiosmtplib

from bus.errors import Retryable

_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the server said of one file."""

    file: Path
    accepted: bool
    reply: str


async def deliver(
    mails: Sequence[Path],
    host: str,
    port: int,
    recipient: str,
    sender: str | None,
    *,
    per_session: int,
    sessions: int,
    told: Callable[[Delivery], None],
) -> None:
    """Send all; each session takes `per_session` files that follow each other. Raises Retryable when nobody answers."""
    runs = iter([mails[at : at + per_session] for at in range(0, len(mails), per_session)])

    async def work() -> None:
        for run in runs:  # shared by the workers: each run is taken once
            await _session(run, host, port, recipient, sender, told)

    workers = [asyncio.create_task(work()) for _ in range(sessions)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()


async def _session(
    mails: Sequence[Path], host: str, port: int, recipient: str, sender: str | None, told: Callable[[Delivery], None]
) -> None:
    client = aiosmtplib.SMTP(hostname=host, port=port, timeout=_TIMEOUT, use_tls=False, start_tls=False)
    try:
        await client.connect()
        await client.ehlo()
    except (aiosmtplib.SMTPException, OSError) as error:
        raise Retryable(f"{host}:{port} does not take mail: {error}") from None
    try:
        for at, path in enumerate(mails):
            data = await asyncio.to_thread(path.read_bytes)
            try:
                _, reply = await client.sendmail(sender_of(data, sender), [recipient], data)
                told(Delivery(path, accepted=True, reply=reply))
            except aiosmtplib.SMTPRecipientsRefused as error:
                told(Delivery(path, accepted=False, reply=f"{error.recipients[0].code} {error.recipients[0].message}"))
            except aiosmtplib.SMTPResponseException as error:
                told(Delivery(path, accepted=False, reply=f"{error.code} {error.message}"))
            except (aiosmtplib.SMTPException, OSError) as error:
                for left in mails[at:]:
                    told(Delivery(left, accepted=False, reply=f"the connection is lost: {error}"))
                return
    finally:
        try:
            await client.quit()
        except (aiosmtplib.SMTPException, OSError):
            client.close()


def sender_of(data: bytes, chosen: str | None) -> str:
    """The return path: as chosen (`<>` is the null one), else the address of the mail's From."""
    if chosen is not None:
        return "" if chosen == "<>" else chosen
    field = BytesHeaderParser(policy=compat32).parsebytes(data[:65_536]).get("From")
    address = parseaddr(str(field or ""))[1]
    plain = address.isascii() and address.isprintable() and " " not in address and address.count("@") == 1
    return address if plain else ""
