"""A relay in a process of its own, to be killed and frozen; arguments: URL KAFKA PREFIX."""

import asyncio
import sys

from bus.kafka_settings import KafkaSettings
from bus.leadership import lead
from ticketing.relay import Relay
from ticketing.relay_records import RelayTopics
from ticketing.tables import RELAY_LOCK

LIMIT = 4
SILENCE = 2.0


async def main(url: str, servers: str, prefix: str) -> None:
    """Relay until killed, in small transactions, with a leader's session that is given up soon."""
    relay = Relay(
        KafkaSettings(servers=servers),
        url,
        topics=RelayTopics(prefix),
        transactional_id=f"{prefix}relay",
        limit=LIMIT,
    )
    await lead(url, RELAY_LOCK, lambda _: [relay.run()], stop=asyncio.Event(), silence=SILENCE)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
