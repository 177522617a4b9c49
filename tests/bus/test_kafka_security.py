"""TLS and SASL against a real broker: each way of reaching it works, and a wrong secret is one line without it."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import serialization
from pydantic import SecretStr

from bus.errors import Retryable
from bus.kafka_settings import KafkaSettings
from bus.latest import read_to_end
from bus.publisher import KafkaPublisher
from bus.record import Outgoing
from bus.source import KafkaSource
from bus.topics import Topic, create_topics
from bus.transactions import KafkaTransactions
from deploy.embedded import ports
from tests.certificates import Certificates
from tests.kafka_node import kafka_node

pytestmark = pytest.mark.long

USER, PASSWORD = "deskstream", "geheim"
LISTENERS = {"MUTUAL": "SSL", "SECURE": "SASL_SSL", "CLEAR": "SASL_PLAINTEXT"}
LOGIN = "org.apache.kafka.common.security"


@dataclass(frozen=True)
class Broker:
    """Where each listener is."""

    ports: dict[str, int]
    certificates: Certificates

    def settings(self, listener: str, **more: object) -> KafkaSettings:
        """How a client of ours reaches it."""
        given: dict[str, object] = {
            "servers": f"127.0.0.1:{self.ports[listener]}",
            "security_protocol": LISTENERS[listener],
        }
        if listener != "CLEAR":
            given["ca_file"] = str(self.certificates.authority)
        if listener == "MUTUAL":
            given |= {"cert_file": str(self.certificates.chain), "key_file": str(self.certificates.key)}
        else:
            given |= {"sasl_username": USER, "sasl_password": SecretStr(PASSWORD), "sasl_mechanism": "SCRAM-SHA-512"}
        return KafkaSettings.model_validate(given | more)


def _listeners(found: Mapping[str, str], folder: Path, where: Mapping[str, int]) -> dict[str, str]:
    found = dict(found)
    found["listeners"] += "".join(f",{name}://127.0.0.1:{port}" for name, port in where.items())
    found["advertised.listeners"] += "".join(f",{name}://127.0.0.1:{port}" for name, port in where.items())
    found["listener.security.protocol.map"] += "".join(f",{name}:{kind}" for name, kind in LISTENERS.items())
    found |= {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "server.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "authority.pem"),
        "listener.name.mutual.ssl.client.auth": "required",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
    }
    for name in ("secure", "clear"):
        found[f"listener.name.{name}.plain.sasl.jaas.config"] = (
            f'{LOGIN}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
        )
        for mechanism in ("scram-sha-256", "scram-sha-512"):
            found[f"listener.name.{name}.{mechanism}.sasl.jaas.config"] = f"{LOGIN}.scram.ScramLoginModule required;"
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def broker(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> AsyncIterator[Broker]:
    """One broker with a listener for each way."""
    folder = tmp_path_factory.mktemp("secure-kafka")
    key = serialization.load_pem_private_key(certificates.key.read_bytes(), None)
    pkcs8 = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )  # the only form that Kafka takes
    (folder / "server.pem").write_bytes(pkcs8 + certificates.chain.read_bytes())
    (folder / "authority.pem").write_bytes(certificates.authority.read_bytes())
    where = dict(zip(LISTENERS, ports.take(len(LISTENERS)), strict=True))
    users = [f"SCRAM-SHA-{bits}=[name={USER},password={PASSWORD}]" for bits in (256, 512)]
    options = [word for user in users for word in ("--add-scram", user)]
    async with kafka_node(folder, lambda found: _listeners(found, folder, where), options):
        yield Broker(where, certificates)


@pytest.mark.parametrize(
    ("listener", "mechanism"),
    [
        ("MUTUAL", None),
        ("SECURE", "PLAIN"),
        ("SECURE", "SCRAM-SHA-256"),
        ("SECURE", "SCRAM-SHA-512"),
        ("CLEAR", "SCRAM-SHA-512"),
    ],
)
async def test_every_kind_of_client_gets_through(broker: Broker, listener: str, mechanism: str | None) -> None:
    settings = broker.settings(listener, **({"sasl_mechanism": mechanism} if mechanism else {}))
    name = f"t-{uuid.uuid4().hex}"
    await create_topics(settings, [Topic(name, "key", 1, ())])
    publisher, transactions = KafkaPublisher(settings), KafkaTransactions(settings, name)
    source = KafkaSource(settings, [name], name)
    await publisher.start()
    await transactions.start()
    try:
        await publisher.publish([Outgoing(name, "one", b"1", ())])
        await transactions.publish([Outgoing(name, "two", b"2", ())])
        await source.start()
        found: list[str | None] = []
        async with asyncio.timeout(30):
            while len(found) < 2:
                found += [record.key for record in await source.poll()]
        assert found == [record.key async for record in read_to_end(settings, [name])] == ["one", "two"]
    finally:
        await source.stop()
        await transactions.stop()
        await publisher.stop()


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
async def test_a_wrong_password_is_one_line_that_does_not_tell_it(broker: Broker, mechanism: str) -> None:
    settings = broker.settings("SECURE", sasl_mechanism=mechanism, sasl_password=SecretStr("hunter2"))
    with pytest.raises(Retryable) as caught:
        [record async for record in read_to_end(settings, ["any"])]
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


async def test_a_broker_of_an_authority_we_do_not_trust_hears_no_password(broker: Broker) -> None:
    with pytest.raises(Retryable):
        [record async for record in read_to_end(broker.settings("SECURE", ca_file=None), ["any"])]


async def test_without_a_certificate_of_ours_the_door_stays_shut(broker: Broker) -> None:
    with pytest.raises(Retryable):
        [record async for record in read_to_end(broker.settings("MUTUAL", cert_file=None, key_file=None), ["any"])]
