"""`deskstream topics`: making them, and least rights."""

import asyncio
import json
import uuid

import pytest
from typer.testing import CliRunner

from bus.acls import SERVICES, channel_of, connector_rights, rights_of
from bus.commands import topics_app
from bus.errors import ConfigError, Retryable
from bus.kafka_settings import KafkaSettings
from bus.message import CHANNELS
from bus.topics import TICKET_PARTITIONS, Topic, create_topics, topics
from tests.conftest import Stack


def run(*arguments: str) -> list[str]:
    result = CliRunner().invoke(topics_app, arguments, env={"DESKSTREAM_DATA": "/nonexistent"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def test_rights_are_printed_for_kafkas_own_tool() -> None:
    lines = run("acls", "metrics", "--kafka", "broker:9092", "--user", "figures")
    assert (
        "kafka-acls.sh --bootstrap-server broker:9092 --add --allow-principal User:figures "
        "--operation Read --topic tickets.events"
    ) in lines
    assert not any("raw." in line or "messages." in line for line in lines)


def test_a_connector_has_its_own_channel_groups_and_ids_only() -> None:
    documents = [json.loads(line) for line in run("acls", "support-mail", "--channel", "email", "--json")]
    assert {d["principal"] for d in documents} == {"User:deskstream-support-mail"}
    topics_of = {d["name"] for d in documents if d["resource"] == "topic"}
    assert {"raw.email", "messages.email", "replies.email", "replies.receipts"} < topics_of
    assert not {"raw.chat", "tickets.events", "tickets.state"} & topics_of
    assert {d["name"] for d in documents if d["resource"] == "group"} == {
        f"deskstream.support-mail.{part}" for part in ("understand", "send", "poll")
    }
    assert {(d["name"], d["prefixed"]) for d in documents if d["resource"] == "transactional-id"} == {
        ("send.support-mail.", True)
    }


def test_nobody_has_a_right_on_a_topic_that_is_not_there() -> None:
    there = {topic.name for topic in topics()}
    every = [right for service in SERVICES for right in rights_of(service)]
    every += [right for channel in CHANNELS for right in connector_rights("c", channel)]
    assert {right.name for right in every if right.resource == "topic"} <= there


def test_no_service_but_the_desk_writes_tickets() -> None:
    writers = {
        service
        for service in SERVICES
        for right in rights_of(service)
        if right.operation == "Write" and right.name.startswith("tickets.")
    }
    assert writers == {"ticketing", "relay"}
    assert not any(r.name.startswith("tickets.") for c in CHANNELS for r in connector_rights("c", c))


@pytest.mark.parametrize(
    ("connector_type", "channel"),
    [("email-smtp", "email"), ("web-form", "web_form"), ("x", "x"), ("xmpp", None), ("chat-own", "chat")],
)
def test_a_connectors_type_tells_its_channel(connector_type: str, channel: str | None) -> None:
    assert channel_of(connector_type) == channel


def test_unknown_names_are_one_line_with_what_is_known() -> None:
    with pytest.raises(ConfigError, match=r"did you mean raw\.email\?"):
        run("create", "raw.emial")
    with pytest.raises(ConfigError, match="known: ticketing, relay, metrics"):
        run("acls", "nobody")
    with pytest.raises(ConfigError, match="one of email"):
        run("acls", "c", "--channel", "pigeon")


def test_without_kafka_the_address_is_named() -> None:
    with pytest.raises(Retryable, match=r"127\.0\.0\.1:1; check the address"):
        run("create", "--kafka", "127.0.0.1:1")


@pytest.mark.stack
def test_topics_are_made_once_and_left_as_they_are(stack: Stack) -> None:
    documents = [json.loads(line) for line in run("create", "--kafka", stack.kafka, "--json")]
    assert {d["topic"] for d in documents} == {topic.name for topic in topics()}
    assert {d["topic"]: d["partitions"] for d in documents}["tickets.events"] == TICKET_PARTITIONS
    assert not any(json.loads(line)["created"] for line in run("create", "--kafka", stack.kafka, "--json"))


@pytest.mark.stack
async def test_a_topic_has_its_retention(stack: Stack) -> None:
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    kafka = KafkaSettings(servers=stack.kafka)
    name = f"raw.test-{uuid.uuid4().hex[:8]}"
    wanted = Topic(name, "k", 2, (), {"cleanup.policy": "delete", "retention.ms": "12345"})
    assert await create_topics(kafka, [wanted], durable=True) == [name]
    assert await create_topics(kafka, [wanted]) == []
    admin = AIOKafkaAdminClient(**kafka.client_options())
    await admin.start()
    found: dict[str, str] = {}
    try:
        async with asyncio.timeout(20):
            while "retention.ms" not in found:  # a broker answers for a new topic a moment after it was made
                (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
                found = {entry[0]: entry[1] for entry in answer.resources[0][4]}
    finally:
        await admin.close()
    assert (found["retention.ms"], found["cleanup.policy"], found["flush.messages"]) == ("12345", "delete", "1")
