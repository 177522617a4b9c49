"""Mails in by SMTP; tickets, confirmations, events and figures out; all of it as a user runs it."""

import email
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from email.policy import default
from pathlib import Path

import pytest

from tests.e2e.running import BIN, HASTY, Up
from tests.mails.client import Sent, send_all, write_ledger
from tests.mails.generator import GeneratedMail, generate

pytestmark = pytest.mark.stack


AMOUNTS = [600, pytest.param(2_000, marks=pytest.mark.long)]


def _conversations(mails: list[GeneratedMail]) -> int:
    return len({mail.conversation for mail in mails if mail.kind == "new"})


def test_one_mail_becomes_a_confirmed_ticket_with_events_and_figures(up: Up, tmp_path: Path) -> None:
    mail = tmp_path / "question.eml"
    mail.write_bytes(
        b"From: Ann <ann@one.example>\r\nTo: support@desk.example\r\nSubject: Where is it?\r\n"
        b"Message-ID: <one-1@one.example>\r\n\r\nMy parcel has not arrived since Monday, please have a look at it.\r\n"
    )
    sent = up.json("send", str(mail))
    assert sent[-1]["accepted"] == 1
    up.verify()

    ticket = next(t for t in up.json("tickets", "list") if t["subject"] == "Where is it?")
    shown = up.json("tickets", "show", str(ticket["number"]))[0]
    assert [event["type"] for event in shown["history"]][:3] == [
        "ticket.opened",
        "ticket.message_received",
        "ticket.confirmed",
    ]
    assert [message["source_id"] for message in shown["messages"]] == ["one-1@one.example"]

    (confirmation,) = [
        found
        for path in (up.data / "outbox").glob("*.eml")
        if (found := email.message_from_bytes(path.read_bytes(), policy=default))["In-Reply-To"]
        == "<one-1@one.example>"
    ]
    assert confirmation["To"].addresses[0].addr_spec == "ann@one.example"
    assert str(ticket["number"]) in confirmation["Subject"]
    assert confirmation["Auto-Submitted"] == "auto-replied"
    assert confirmation["Reply-To"].addresses[0].username.startswith("support+")

    figures = up.json("metrics", "show", f"contact:{ticket['contact_id']}")[0]["figures"]
    assert figures["total"]["value"] == figures["open"]["value"] == figures["by_channel.email"]["value"] == 1

    # the customer answers the confirmation, from a client that keeps nothing but the address and the reference
    answer = tmp_path / "answer.eml"
    answer.write_bytes(
        b"From: ann@one.example\r\nTo: " + confirmation["Reply-To"].addresses[0].addr_spec.encode() + b"\r\n"
        b"Subject: another subject\r\nMessage-ID: <one-2@one.example>\r\n\r\nIt came today.\r\n"
    )
    up.json("send", str(answer), "--to", confirmation["Reply-To"].addresses[0].addr_spec)
    up.verify()
    again = up.json("tickets", "show", str(ticket["number"]))[0]
    assert [m["source_id"] for m in again["messages"]] == ["one-1@one.example", "one-2@one.example"]


@pytest.mark.parametrize("amount", AMOUNTS)
def test_generated_mails_become_exactly_their_conversations(up: Up, tmp_path: Path, amount: int) -> None:
    mails = list(generate(amount, seed=11, prefix=f"ordered{amount}"))
    before = up.counts()
    results = send_all(up.smtp, mails)
    assert {one.outcome for one in results} == {"accepted"}
    write_ledger(tmp_path / "ledger", results)
    counts = up.verify(tmp_path / "ledger")["counts"]
    # a reply sent by another session may overtake what it answers; merged tickets are then none of their own
    assert counts["tickets"] - before["tickets"] == _conversations(mails)
    assert counts["raw"] - before["raw"] == len(mails)
    assert counts["duplicate"] - before.get("duplicate", 0) == sum(1 for mail in mails if mail.kind == "duplicate")


@pytest.mark.parametrize("amount", AMOUNTS)
def test_any_order_over_six_sessions_and_three_ticketing_processes_gives_the_same_tickets(
    up: Up, tmp_path: Path, amount: int
) -> None:
    mails = list(generate(amount, seed=12, prefix=f"shuffled{amount}"))
    random.Random(12).shuffle(mails)
    before = up.counts()
    more = [
        subprocess.Popen(
            [BIN, "ticketing", "--data", up.data],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | HASTY,
        )
        for _ in range(2)
    ]
    try:
        results = send_all(up.smtp, mails, sessions=6)
        assert {one.outcome for one in results} == {"accepted"}
        write_ledger(tmp_path / "ledger", results)
        counts = up.verify(tmp_path / "ledger", wait=120)["counts"]
        assert counts["tickets"] - before["tickets"] == _conversations(mails)
        assert all(process.poll() is None for process in more), "a second ticketing process ended"
    finally:
        for process in more:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def test_kill_of_each_service_in_turn_loses_and_doubles_nothing(up: Up, tmp_path: Path) -> None:
    mails = list(generate(500, seed=13, prefix="turn"))
    results: list[Sent] = []
    sending = threading.Thread(target=lambda: results.extend(send_all(up.smtp, mails, rate=100, persist=90)))
    sending.start()
    for victim in ("metrics", "ticketing", "postgres", "kafka", "connector"):
        time.sleep(0.6)
        os.kill(up.pid(victim), signal.SIGKILL)
    sending.join()
    write_ledger(tmp_path / "ledger", results)
    assert {one.mail.token for one in results if one.outcome == "accepted"} == {mail.token for mail in mails}
    up.wait_ready()
    up.verify(tmp_path / "ledger", wait=120)


@pytest.mark.long
@pytest.mark.parametrize("victim", ["connector", "ticketing", "metrics", "kafka", "postgres", "up"])
def test_kill_of_any_process_in_the_middle_loses_and_doubles_nothing(up: Up, tmp_path: Path, victim: str) -> None:
    mails = list(generate(400, seed=sum(victim.encode()), prefix=f"kill{victim}"))
    pid = up.pid(victim)
    killer = subprocess.Popen([sys.executable, "-c", f"import os,time; time.sleep(0.5); os.kill({pid}, 9)"])
    if victim == "up":
        results = send_all(up.smtp, mails[:200], rate=300)
        killer.wait()
        assert up.process
        up.process.wait()
        up.start()
        # what was refused, or never tried, while it was down is sent again, as a mail server would
        taken = {one.mail.token for one in results if one.outcome == "accepted"}
        results += send_all(up.smtp, [mail for mail in mails if mail.token not in taken], persist=60)
    else:
        results = send_all(up.smtp, mails, rate=300, persist=90)
        killer.wait()
    write_ledger(tmp_path / "ledger", results)
    accepted = {one.mail.token for one in results if one.outcome == "accepted"}
    assert accepted == {mail.token for mail in mails}
    up.wait_ready()
    up.verify(tmp_path / "ledger", wait=120)


def test_a_second_up_on_the_same_data_names_the_first(up: Up) -> None:
    assert up.process
    second = subprocess.run([BIN, "up", "--data", up.data], capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode == 1
    assert f"process {up.process.pid} already runs `deskstream up`" in second.stdout + second.stderr
    assert up.endpoints()["pid"] == up.process.pid


def test_ctrl_c_stops_all_and_up_goes_on_where_it_was(up: Up) -> None:
    before = up.counts()
    processes = up.processes()
    began = time.monotonic()
    assert up.stop() == 0
    assert time.monotonic() - began < 10  # the promise is about users' patience, and has twice the room it needs
    assert not any(process.is_running() for process in processes)
    assert json.loads((up.data / "endpoints.json").read_text())["ready"] is False
    up.start()
    assert up.verify()["counts"] == before
