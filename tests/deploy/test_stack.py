"""The session's stack is the real thing."""

import imaplib
import smtplib
import uuid

import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.conftest import Mailbox, Stack


@pytest.mark.stack
async def test_kafka_commits_transactions_that_a_read_committed_reader_sees(stack: Stack) -> None:
    topic = f"stack-smoke-{uuid.uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=stack.kafka, transactional_id=topic) as producer:
        async with producer.transaction():
            await producer.send_and_wait(topic, b"kept")
        async with AIOKafkaConsumer(
            topic,
            bootstrap_servers=stack.kafka,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
        ) as reader:
            assert (await reader.getone()).value == b"kept"


@pytest.mark.stack
def test_every_new_database_is_empty_and_its_own(stack: Stack) -> None:
    one, other = stack.new_database(), stack.new_database()
    with psycopg.connect(one.replace("+psycopg", "", 1)) as first:
        first.execute("CREATE TABLE mine ()")
    with psycopg.connect(other.replace("+psycopg", "", 1)) as second:
        assert second.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_greenmail_delivers_what_was_sent(greenmail: Mailbox) -> None:
    with smtplib.SMTP(greenmail.host, greenmail.smtp) as client:
        client.sendmail("a@customer.example", "box@desk.example", "Subject: hello\r\n\r\nhi\r\n")
    with imaplib.IMAP4(greenmail.host, greenmail.imap) as reader:
        reader.login("box@desk.example", "any")
        assert reader.select()[1] == [b"1"]
