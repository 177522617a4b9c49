"""`up --demo`: hand the sample over as a mail server would, wait until all has come to rest, show the result."""

from collections.abc import Mapping
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import aiosmtplib
import sqlalchemy as sa
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sqlalchemy.ext.asyncio import create_async_engine

from bus.endpoints import Endpoints
from bus.settings import Settings
from deploy.verify.check import Verdict
from deploy.verify.run import verify

DEMO_DATA = "build/demo"
SAMPLE = Path(__file__).parent / "mails"
_PATIENCE = 60.0

_FACTS = {
    "replies threaded": "SELECT count(*) FROM desk.messages m WHERE ticket_id IS NOT NULL AND automation = 'human' "
    "AND EXISTS (SELECT FROM desk.messages o WHERE o.ticket_id = m.ticket_id AND o.id <> m.id) AND NOT is_root",
    "automatic mails not answered": "SELECT count(*) FROM desk.messages m WHERE automation <> 'human' "
    "AND NOT EXISTS (SELECT FROM desk.replies r WHERE r.ticket_id = m.ticket_id)",
}
_BUSIEST = (
    "SELECT m.contact_id, coalesce(min(c.name), min(m.author_address)) FROM desk.messages m "
    "JOIN desk.contacts c ON c.id = m.contact_id GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
)
_FIGURES = ("total", "open", "closed", "by_channel.email", "messages_by_channel.email")


async def visit(endpoints: Endpoints, settings: Settings) -> int:
    """Send, wait, show. 0 when every invariant holds, else 1."""
    console = Console()
    assert endpoints.smtp
    accepted = await _send(endpoints.smtp, console)
    with console.status("Waiting until everything has come to rest …"):
        verdict = await verify(settings, wait=_PATIENCE)
    facts, contact, name = await _facts(settings)
    _show(console, accepted, verdict, facts, (name, await _figures(settings, contact)))
    for one in verdict.checks:
        if not one.ok:
            console.print(f"[red]✗[/] {one.name}: {'; '.join(one.examples[:3])}", soft_wrap=True)
    return 0 if verdict.ok else 1


async def _send(address: str, console: Console) -> int:
    host, _, port = address.rpartition(":")
    client = aiosmtplib.SMTP(hostname=host, port=int(port), start_tls=False, use_tls=False)
    accepted = 0
    async with client:
        for path in track(sorted(SAMPLE.glob("*.eml")), "Sending the sample by SMTP", console=console):
            data = path.read_bytes()
            headers = message_from_bytes(data, policy=default)
            sender = "" if headers.get("Return-Path") == "<>" else headers["From"].addresses[0].addr_spec
            recipients = [address.addr_spec for address in headers["To"].addresses]
            refused, _ = await client.sendmail(sender, recipients, data)
            accepted += not refused
    return accepted


async def _facts(settings: Settings) -> tuple[dict[str, int], str, str]:
    """Counts, and the id and name of the customer who wrote most."""
    assert settings.database.url
    engine = create_async_engine(settings.database.url.get_secret_value())
    try:
        async with engine.connect() as connection:
            facts = {name: (await connection.execute(sa.text(query))).scalar_one() for name, query in _FACTS.items()}
            contact, name = (await connection.execute(sa.text(_BUSIEST))).one()
            return facts, contact, name
    finally:
        await engine.dispose()


async def _figures(settings: Settings, contact: str) -> Mapping[str, Any]:
    from bus.figures import CustomerMetrics
    from bus.latest import latest_by_key
    from bus.topics import CUSTOMER_METRICS

    published = await latest_by_key(settings.kafka, CUSTOMER_METRICS)
    record = published.get(f"contact:{contact}")
    return CustomerMetrics.from_json(record.value).figures if record and record.value else {}


def _show(
    console: Console,
    accepted: int,
    verdict: Verdict,
    facts: Mapping[str, int],
    customer: tuple[str, Mapping[str, Any]],
) -> None:
    counts = verdict.counts
    table = Table("what became of the sample", "", title_justify="left")
    rows = {
        "mails accepted": accepted,
        "tickets opened": counts["tickets"],
        "replies threaded": facts["replies threaded"],
        "duplicates recognised": counts.get("duplicate", 0),
        "automatic mails not answered": facts["automatic mails not answered"],
        "confirmations written": counts["sent"],
        "events published": counts["events"],
    }
    for name, value in rows.items():
        table.add_row(name, str(value))
    table.add_section()
    who, figures = customer
    for name in _FIGURES:
        if name in figures:
            table.add_row(f"{who}: {name}", str(figures[name].value))
    console.print(table)
