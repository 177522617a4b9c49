"""One timer for many waits: what comes in time is not disturbed, and what does not is ended as by asyncio.timeout."""

import asyncio

import pytest

from bus.deadlines import Deadlines


async def test_what_comes_in_time_is_left_alone_and_leaves_nothing_behind() -> None:
    deadlines = Deadlines()
    for _ in range(3):
        with deadlines.within(0.05):
            await asyncio.sleep(0)
    await asyncio.sleep(0.2)  # long after the last was due
    task = asyncio.current_task()
    assert task
    assert task.cancelling() == 0


async def test_what_takes_too_long_is_a_timeout_and_only_for_its_own_task() -> None:
    deadlines = Deadlines()
    patient = asyncio.create_task(asyncio.sleep(0.3, "done"))
    with pytest.raises(TimeoutError), deadlines.within(0.05):
        await asyncio.get_running_loop().create_future()
    task = asyncio.current_task()
    assert task
    assert task.cancelling() == 0
    assert await patient == "done"


async def test_of_two_the_inner_one_ends_first() -> None:
    deadlines = Deadlines()
    with deadlines.within(30.0):
        with pytest.raises(TimeoutError), deadlines.within(0.05):
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(0)


async def test_each_of_many_is_ended() -> None:
    deadlines = Deadlines()

    async def late() -> bool:
        try:
            with deadlines.within(0.05):
                await asyncio.get_running_loop().create_future()
        except TimeoutError:
            return True
        return False

    assert all(await asyncio.gather(*(late() for _ in range(50))))


async def test_cancelled_from_outside_it_is_cancelled() -> None:
    deadlines = Deadlines()

    async def waits() -> None:
        with deadlines.within(30.0):
            await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_passes() -> None:
    with pytest.raises(KeyError), Deadlines().within(30.0):
        raise KeyError
