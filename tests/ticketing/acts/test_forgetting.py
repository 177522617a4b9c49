"""What was done long ago under a key is forgotten, a batch at a time, and is not done again for that."""

from datetime import timedelta

import pytest

from bus.errors import Invalid
from tests.ticketing.by_hand import Acts
from tests.ticketing.filing.conftest import Desk
from tests.ticketing.filing.said import START, said
from ticketing.acts.forgetting import KEPT, Forgetting

pytestmark = pytest.mark.stack


async def test_old_acts_are_forgotten_in_batches_and_not_done_again(desk: Desk) -> None:
    await desk.file(said("a"))
    for n in range(5):
        await Acts(desk.engine, f"old-{n}", "agent-1", START).do("comment", 1, text=f"{n}")
    await Acts(desk.engine, "young", "agent-1", START + timedelta(hours=1)).do("comment", 1, text="young")
    now = START + KEPT + timedelta(minutes=1)
    forgetting = Forgetting(desk.engine, batch=3, now=lambda: now)
    assert [await forgetting.tick() for _ in range(3)] == [3, 2, 0]
    assert await desk.rows("SELECT key FROM desk.acts") == [("young",)]
    with pytest.raises(Invalid):
        await Acts(desk.engine, "old-1", "agent-1", now).do("comment", 1, text="1")
    assert await desk.rows("SELECT count(*) FROM desk.comments") == [(6,)]
