"""Bad input and faults of what we stand on: the next mail is unharmed, and everything resumes by itself."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from bus.dead_letter import DeadLetter
from bus.kafka_settings import KafkaSettings
from bus.latest import latest_by_key
from bus.publisher import KafkaPublisher
from bus.record import Outgoing, Position
from bus.topics import DEAD_LETTERS
from tests.e2e.running import Up
from tests.mails.client import Sent, Session, send_all, write_ledger
from tests.mails.generator import generate

pytestmark = pytest.mark.stack

_TO = b"From: bad@bad.example\r\nTo: support@desk.example\r\n"


def _nested(depth: int) -> bytes:
    opened = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(depth))
    return _TO + b"Subject: nested\r\n" + opened + b"Content-Type: text/plain\r\n\r\ndeep\r\n"


HOSTILE = {
    "parentheses": b"From: " + b"(" * 2_000 + b"a@b.example\r\nSubject: parentheses\r\n\r\nbody\r\n",
    "nested": _nested(400),
    "many parts": _TO
    + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
    + b"--x\r\n\r\npart\r\n" * 50_000
    + b"--x--\r\n",
    "endless header": _TO + b"Subject: " + b"x" * 2_000_000 + b"\r\n\r\nbody\r\n",
    "many headers": _TO + b"".join(b"X-%d: y\r\n" % n for n in range(20_000)) + b"\r\nbody\r\n",
    "nul": _TO + b"Subject: nul \x00 in it\r\n\r\nbody with \x00 in it\r\n",
    "bare line ends": _TO + b"Subject: bare\r\n\r\none\ntwo\rthree\r\n",
    "control characters": b"From: a\x01b\x1b[31m@bad\x07.example\r\nSubject: \x1b]0;title\x07\r\n\r\nbody\r\n",
    "no header at all": b"\r\n\r\n",
    "binary": bytes(range(256)).replace(b"\r", b"").replace(b"\n", b"") * 40 + b"\r\n",
    "no message at all": b"x",
    "surrogates": _TO + b"Subject: =?utf-16?B?2AA=?=\r\n\r\n\xed\xa0\x80\r\n",
    "bad base64": _TO + b"Content-Transfer-Encoding: base64\r\n\r\n!!!!not base64====\r\nAAA\r\n",
    "bad charset": _TO + b"Content-Type: text/plain; charset=\xff\xfe-nonsense\r\n\r\nbody \xff\r\n",
    "large line": _TO + b"Subject: large line\r\n\r\n" + b"y" * 3_000_000 + b"\r\n",
}


def test_hostile_mails_become_tickets_or_dead_letters_and_the_next_is_unharmed(up: Up, tmp_path: Path) -> None:
    good = list(generate(40, seed=41, prefix="beside"))
    before = up.counts()
    accepted = 0
    for (_, data), mail in zip(HOSTILE.items(), good, strict=False):
        with Session(up.smtp()) as session:
            accepted += session.send("bad@bad.example", data) == "accepted"
            assert session.send(mail.sender, mail.data) == "accepted"
    assert accepted == len(HOSTILE)
    results = send_all(up.smtp, good[len(HOSTILE) :])
    write_ledger(tmp_path / "ledger", results)
    counts = up.verify(tmp_path / "ledger", wait=60)["counts"]
    assert counts["raw"] - before["raw"] == len(HOSTILE) + len(good)


def test_frozen_kafka_means_451_in_time_and_nothing_accepted_is_lost(up: Up, tmp_path: Path) -> None:
    mails = list(generate(60, seed=42, prefix="frozenkafka"))
    results = send_all(up.smtp, mails[:20])
    kafka = up.pid("kafka")
    os.kill(kafka, signal.SIGSTOP)
    try:
        began = time.monotonic()
        with Session(up.smtp(), timeout=40) as session:
            assert session.send(mails[20].sender, mails[20].data) == "rejected"
        assert 5 < time.monotonic() - began < 20  # its own deadline is 6 s here
    finally:
        os.kill(kafka, signal.SIGCONT)
    results += send_all(up.smtp, mails[20:], persist=90)
    write_ledger(tmp_path / "ledger", results)
    assert {one.mail.token for one in results if one.outcome == "accepted"} == {mail.token for mail in mails}
    up.verify(tmp_path / "ledger", wait=120)


def test_connectors_go_on_accepting_while_the_database_is_frozen(up: Up, tmp_path: Path) -> None:
    mails = list(generate(60, seed=43, prefix="frozendb"))
    postmaster = up.pid("postgres")
    family = [postmaster, *(child.pid for child in psutil.Process(postmaster).children(recursive=True))]
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    try:
        results = send_all(up.smtp, mails)
        assert {one.outcome for one in results} == {"accepted"}
    finally:
        for pid in family:
            if psutil.pid_exists(pid):
                os.kill(pid, signal.SIGCONT)
    write_ledger(tmp_path / "ledger", results)
    up.verify(tmp_path / "ledger", wait=120)


def test_sessions_of_the_database_that_are_cut_are_made_again(up: Up, tmp_path: Path) -> None:
    mails = list(generate(120, seed=44, prefix="cut"))
    results: list[Sent] = []
    sending = threading.Thread(target=lambda: results.extend(send_all(up.smtp, mails, rate=60)))
    sending.start()
    cut = 0
    with up.database() as connection:
        while sending.is_alive():
            found = connection.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchone()
            assert found
            cut += found[0]
            time.sleep(0.3)
    assert cut > 10
    assert {one.outcome for one in results} == {"accepted"}
    write_ledger(tmp_path / "ledger", results)
    up.verify(tmp_path / "ledger", wait=60)


def test_records_that_are_none_are_parked_and_the_others_go_on(up: Up, tmp_path: Path) -> None:
    mails = list(generate(40, seed=45, prefix="poison"))
    bad = [b"", b"\x00\xff", b"{}", b'{"kind": "raw.v1"}', b'{"kind": "message.v1", "id": 7}', b"[" * 100_000]
    kafka = KafkaSettings(servers=up.endpoints()["kafka"])
    topics = ("raw.email", "messages.email", "replies.email", "replies.receipts")
    before = up.counts()
    positions = asyncio.run(_publish(kafka, [Outgoing(topic, "k", value) for topic in topics for value in bad]))
    results = send_all(up.smtp, mails)
    write_ledger(tmp_path / "ledger", results)
    counts = up.verify(tmp_path / "ledger", wait=60)["counts"]
    assert counts["raw"] - before["raw"] == len(mails) + len(bad)
    letters = asyncio.run(latest_by_key(kafka, DEAD_LETTERS))
    for position, value in zip(positions, bad * len(topics), strict=True):
        letter = DeadLetter.from_json(letters["/".join(map(str, position))].value or b"")
        assert letter.value == value
        assert letter.reason


async def _publish(kafka: KafkaSettings, records: list[Outgoing]) -> Sequence[Position]:
    publisher = KafkaPublisher(kafka)
    await publisher.start()
    try:
        return await publisher.publish(records)
    finally:
        await publisher.stop()


def test_recipients_that_are_not_ours_and_mails_too_large_are_refused(up: Up) -> None:
    import smtplib

    host, _, port = up.smtp().rpartition(":")
    with smtplib.SMTP(host, int(port)) as client:
        code, _ = client.docmd("EHLO", "client.example")
        assert code == 250
        assert client.docmd("MAIL", "FROM:<a@a.example>")[0] == 250
        assert client.docmd("RCPT", "TO:<other@elsewhere.example>")[0] == 550
        assert client.docmd("RCPT", "TO:<support+anything@desk.example>")[0] == 250
        client.rset()
        assert client.docmd("MAIL", "FROM:<a@a.example> SIZE=99999999")[0] == 552
