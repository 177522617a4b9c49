"""What this month has cost, kept on `connectors.cursors` so that no restart forgets it.

Reading and sending each have an account of their own there, which nobody else writes.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel

from bus.connector import Quota
from ingest.contract import Place
from ingest.x.pace import Purse, month_of, next_month
from ingest.x.settings import XSettings

Part = Literal["reading", "sending"]


class Spent(BaseModel):
    """`month`: `2026-11`."""

    month: str
    amount: Decimal = Decimal(0)


class Budget:
    """The money of one account on X, as one of its two parts sees it."""

    def __init__(
        self, place: Place, settings: XSettings, part: Part, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._place = place
        self._settings = settings
        self._now = now
        self._mine = f"{place.name}.{part}"
        self._others = f"{place.name}.{'sending' if part == 'reading' else 'reading'}"
        self._spent: Spent | None = None
        self._stored = True
        self._others_spent = Decimal(0)
        self._one = asyncio.Lock()

    async def load(self) -> None:
        """Look at both accounts; what could not be stored is stored first. Raises Retryable."""
        async with self._one:
            month = month_of(self._now())
            if self._spent is None:
                self._spent = await self._read(self._mine)
            if self._spent.month != month:
                self._spent = Spent(month=month)
            elif not self._stored:
                await self._store()
            others = await self._read(self._others)
            self._others_spent = others.amount if others.month == month else Decimal(0)
            self._say()

    async def spend(self, amount: Decimal) -> None:
        """So much was charged. It counts at once, stored or not. Raises Retryable."""
        async with self._one:
            month = month_of(self._now())
            before = self._spent if self._spent and self._spent.month == month else Spent(month=month)
            self._spent = Spent(month=month, amount=before.amount + amount)
            self._stored = False
            await self._store()
            self._say()

    @property
    def left(self) -> Decimal:
        """Of the whole budget, as of the last `load`."""
        return max(self._settings.monthly_budget - self._all, Decimal(0))

    @property
    def for_reading(self) -> Purse:
        """The part that reading may use up."""
        return Purse(max(self._settings.monthly_budget - self._settings.reserved_for_replies, Decimal(0)), self._all)

    @property
    def _all(self) -> Decimal:
        mine = self._spent.amount if self._spent and self._spent.month == month_of(self._now()) else Decimal(0)
        return mine + self._others_spent

    def _say(self) -> None:
        self._place.source.uses(
            Quota(
                name="money",
                used=float(self._all),
                limit=float(self._settings.monthly_budget),
                unit=self._settings.currency,
                resets_at=next_month(self._now()),
            )
        )

    async def _read(self, key: str) -> Spent:
        stored = await self._place.cursors.load(key)
        return Spent.model_validate(stored) if stored else Spent(month=month_of(self._now()))

    async def _store(self) -> None:
        assert self._spent is not None
        await self._place.cursors.store(self._mine, self._spent.model_dump(mode="json"))
        self._stored = True
