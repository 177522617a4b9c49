"""X: what reading and answering may cost in a month."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from bus.errors import Retryable
from ingest.connectors.x import X as ROW
from tests.providers.account_settings import PRICES, x_settings
from tests.providers.rig import Rig
from tests.providers.x import X


async def test_reading_stops_before_the_budget_is_overdrawn_and_says_so(api: X, tmp_path: Path) -> None:
    rig = Rig(ROW, x_settings(api, monthly_budget="6", prices=PRICES), tmp_path)
    await rig.begun()
    for number in range(100):
        api.write(f"mention {number}", author=str(number))
    await rig.poll(lambda: bool(rig.place.source.problems))
    problem = rig.place.source.problems["receive"]
    assert problem.kind == "quota"
    assert "money is used up (6.00 of 6.00)" in str(problem)
    assert api.read == 20  # at 0.30 each
    quota = rig.place.source.quotas["money"]
    assert (round(quota.used, 6), quota.limit, quota.unit) == (6, 6, "USD")


async def test_no_restart_forgets_what_was_spent(api: X, tmp_path: Path) -> None:
    settings = x_settings(api, monthly_budget="6", prices=PRICES)
    rig = Rig(ROW, settings, tmp_path)
    await rig.begun()
    for number in range(100):
        api.write(f"mention {number}", author=str(number))
    await rig.poll(lambda: bool(rig.place.source.problems))
    later = Rig(ROW, settings, tmp_path, after=rig)
    await later.poll(lambda: bool(later.place.source.problems))
    assert api.read == 20


async def test_a_new_month_begins_with_nothing_spent(api: X, tmp_path: Path) -> None:
    rig = Rig(ROW, x_settings(api, monthly_budget="6", prices=PRICES), tmp_path)
    await rig.begun()
    await rig.cursors.store("public.reading", {"month": "2020-01", "amount": "6"})
    await rig.cursors.store("public.sending", {"month": "2020-01", "amount": "6"})
    api.write("hello")
    await rig.poll(lambda: bool(rig.raw))
    assert json.loads(json.dumps(rig.cursors.stored["public.reading"])) == {
        "month": f"{datetime.now(UTC):%Y-%m}", "amount": "0.30",
    }  # fmt: skip


async def test_money_spent_while_kafka_is_away_counts(api: X, tmp_path: Path) -> None:
    rig = Rig(ROW, x_settings(api, monthly_budget="6", prices=PRICES), tmp_path)
    await rig.begun()
    for number in range(100):
        api.write(f"mention {number}", author=str(number))
    rig.bus.reachable = False  # each look is paid for and lost
    await rig.poll(lambda: "money" in str(rig.place.source.problems.get("receive")))
    assert api.read <= 20


async def test_what_is_reserved_for_answers_is_not_read_away(api: X, tmp_path: Path) -> None:
    rig = Rig(ROW, x_settings(api, monthly_budget="6", reserved_for_replies="3", prices=PRICES), tmp_path)
    await rig.begun()
    posts = [api.write(f"mention {number}", author=str(number)) for number in range(100)]
    await rig.poll(lambda: bool(rig.place.source.problems))
    assert api.read == 10
    for number in range(3):
        await rig.send(rig.reply(f"Yes, {number}.", in_reply_to=posts[number]["id"], reply_id=f"r{number}"))
    with pytest.raises(Retryable, match=r"0\.00 are left") as raised:
        await rig.send(rig.reply("Yes, 4.", in_reply_to=posts[4]["id"]))
    assert raised.value.kind == "quota"
    assert len(api.ours) == 3


async def test_an_answer_with_a_link_costs_more(api: X, tmp_path: Path) -> None:
    rig = Rig(ROW, x_settings(api, monthly_budget="6", prices=PRICES), tmp_path)
    post = api.write("hello")
    await rig.send(rig.reply("See https://tea.example.org/oolong.", in_reply_to=post["id"]))
    assert Decimal(rig.cursors.stored["public.sending"]["amount"]) == 3
