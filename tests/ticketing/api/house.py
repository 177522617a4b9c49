"""A desk with people of every role in one of its departments, tickets, and the API over it."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from bus.blobs import BlobStore
from bus.message import NormalizedMessage
from bus.progress import FencedProgress
from bus.record import Partition, Received
from bus.ticket_state import TicketState
from tests.ticketing.filing.said import CONFIRMING
from tests.ticketing.mails import mail
from ticketing.acts.desk import Desk
from ticketing.api.app import api
from ticketing.api.inside import Inside
from ticketing.api.once import Once
from ticketing.database import acting_engine, engine, looking_engine
from ticketing.filing import Filing
from ticketing.people import directory
from ticketing.people.models import NewAgent, NewDepartment, NewTeam
from ticketing.people.policy import Role
from ticketing.people.store import give_token, transaction
from ticketing.policy import Policy
from ticketing.search.index import SearchIndex
from ticketing.tables import progress

OWN, FOREIGN, COMMON = "sales", "returns", ""
CONNECTORS: Final = {"sales-mail": OWN, "returns-mail": FOREIGN, "support-mail": COMMON}
POLICY: Final = Policy(departments=CONNECTORS)
TEAM: Final = "night"
HERE: Final = Partition("messages.email", 0)
_keys = itertools.count()


@dataclass
class House:
    """`tokens`: by role, of an agent in the department `sales`; `ids`: of these agents."""

    url: str
    engine: AsyncEngine
    inside: Inside
    filing: Filing
    index: SearchIndex
    tokens: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    offset: int = 0

    def client(self, role: str | None = "agent") -> httpx.AsyncClient:
        """Somebody of this role; None: nobody."""
        headers = {"Authorization": f"Bearer {self.tokens[role]}"} if role else {}
        transport = httpx.ASGITransport(api(self.inside))
        return httpx.AsyncClient(transport=transport, base_url="http://desk.example/api/v1", headers=headers)

    async def file(self, *messages: NormalizedMessage) -> None:
        """File these, and let the search follow."""
        await self.only_file(*messages)
        await self.index.catch_up()

    async def only_file(self, *messages: NormalizedMessage) -> None:
        """File these."""
        batch = [
            Received("messages.email", 0, self.offset + n, m.author.address, m.to_json(), 0)
            for n, m in enumerate(messages)
        ]
        self.offset += len(batch)
        await self.filing(batch)

    async def ticket(self, source_id: str, *, connector: str = "support-mail", **more: Any) -> TicketState:  # noqa: ANN401
        """A ticket that a mail opens."""
        message = mail(source_id, **{"sender": f"{source_id}@customer.example", "account": connector, **more})
        await self.file(message)
        [(number,)] = await self.rows(
            "SELECT t.number FROM desk.tickets t JOIN desk.messages m ON m.ticket_id = t.id WHERE m.id = :id",
            id=message.message_id,
        )
        async with self.client("admin") as admin:
            return TicketState.model_validate((await admin.get(f"/tickets/{number}")).json())

    async def another_token(self, role: str) -> str:
        """For a test that spends it."""
        async with transaction(self.engine) as connection:
            agent_id = self.ids[Role(role)]
            return (await give_token(connection, agent_id, name="spent", lifetime=timedelta(hours=1))).token

    async def rows(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        """What a query finds."""
        async with self.engine.connect() as connection:
            return [tuple(row) for row in await connection.execute(sa.text(query), values)]


def key() -> dict[str, str]:
    """A header that names a request nobody has made."""
    return {"Idempotency-Key": f"test-{next(_keys)}-{datetime.now(UTC).timestamp()}"}


def changing(ticket: TicketState | Mapping[str, Any]) -> dict[str, str]:
    """The headers of a first change of a ticket as it was seen."""
    version = ticket.version if isinstance(ticket, TicketState) else ticket["version"]
    return key() | {"If-Match": f'"{version}"'}


async def settle_in(url: str, blobs: BlobStore) -> House:
    """Open the house on a migrated, empty database."""
    pool = acting_engine(url)
    fenced = FencedProgress(pool, progress, "deskstream.ticketing", "cluster")
    await fenced.claim([HERE])
    inside = Inside(pool, looking_engine(url), blobs, Desk(CONFIRMING, POLICY), Once(acting_engine(url, pool=8)))
    house = House(url, pool, inside, Filing(pool, fenced, CONFIRMING, POLICY), SearchIndex(engine(url, pool=1), blobs))
    now = datetime.now(UTC)
    async with transaction(pool) as connection:
        for id_ in (OWN, FOREIGN):
            await directory.add_department(connection, NewDepartment(id=id_, name=id_), now)
        await directory.add_team(connection, NewTeam(name="Night"), now, id_=TEAM)
        for role in Role:
            new = NewAgent(name=f"A {role}", email=f"{role}@desk.example", roles={role}, departments={OWN})
            agent = await directory.add_agent(connection, new, now)
            token = await give_token(connection, agent.id, name="test", lifetime=timedelta(days=1))
            house.tokens[role], house.ids[role] = token.token, agent.id
    return house


async def leave(house: House) -> None:
    """Close every connection."""
    for pool in (house.engine, house.inside.reading, house.inside.once.engine, house.index.engine):
        await pool.dispose()


def numbers(page: Mapping[str, Any]) -> Sequence[int]:
    """The numbers of the tickets of a page."""
    return [item["number"] for item in page["items"]]
