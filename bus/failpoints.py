"""Named points at which a test may stop a process: `DESKSTREAM_FAILPOINTS=name=kill@2,other=stop@1`.

`kill` ends the process at once (SIGKILL), `stop` freezes it (SIGSTOP), `raise` fails with Retryable; each says so
before on standard error. Without the variable a point costs one look into an empty dict.
"""

import os
import signal
from collections.abc import Mapping
from typing import Literal, cast

from bus.errors import ConfigError, Retryable

Action = Literal["kill", "stop", "raise"]

POINTS: dict[str, str] = {
    "receive.before_emit": "a source's item is in memory only",
    "receive.after_emit": "Kafka has the raw record, the source is not acknowledged yet",
    "poll.after_cursor": "what was fetched is on its topic and the cursor is stored, the source is not told",
    "understand.before_publish": "a batch is understood, nothing is published",
    "understand.after_publish": "messages are published, the group's offset is not committed",
    "file.before_commit": "a batch is written, its transaction is open",
    "file.after_commit": "a batch is committed, the hint in Kafka is not",
    "act.before_outbox": "an agent's act is written, nothing of it stands in the outbox",
    "act.before_commit": "an agent's act is written, its transaction is open",
    "act.after_commit": "an agent's act is committed, whoever acts has no answer yet",
    "clock.before_outbox": "what fell due is written, nothing of it stands in the outbox",
    "clock.before_commit": "what fell due is written, its transaction is open",
    "notify.before_commit": "what agents are told is written, its transaction is open",
    "relay.before_publish": "outbox rows are read, no transaction is begun",
    "relay.after_publish": "outbox rows are published and the cursor with them",
    "send.after_attempting": "`attempting` is committed, nothing has been sent",
    "send.after_send": "the reply has been handed over, `sent` is not written",
    "send.after_receipt": "`sent` is written, the group's offset is not committed",
    "receipt.before_commit": "a receipt's effect is written, its transaction is open",
    "figures.before_commit": "facts and aggregates are written, the transaction is open",
    "figures.after_commit": "facts and aggregates are committed, not yet published",
    "figures.after_publish": "figures are published, not yet marked",
    "figures.folding": "a rebuild has folded a batch of events; its shadow tables are not full",
    "figures.before_exchange": "shadow tables of a rebuild are complete, none has taken a live one's place",
    "figures.before_exchange_commit": "shadow tables have taken the live ones' place, the transaction is open",
}
"""Every point there is, and what is true when a process stops there."""


def parse_failpoints(text: str) -> dict[str, tuple[Action, int]]:
    """`{name: (action, at the how-manieth passing)}`. Raises ConfigError for what is no point."""
    plan: dict[str, tuple[Action, int]] = {}
    for part in filter(None, text.split(",")):
        name, _, rest = part.partition("=")
        action, _, hit = rest.partition("@")
        if name not in POINTS or action not in ("kill", "stop", "raise") or not (hit or "1").isdigit():
            raise ConfigError(f"DESKSTREAM_FAILPOINTS: cannot use {part!r}; points: {', '.join(POINTS)}")
        plan[name] = (cast("Action", action), int(hit or "1"))
    return plan


class _Plan:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self.actions = parse_failpoints(environment.get("DESKSTREAM_FAILPOINTS", ""))
        self.passed: dict[str, int] = {}


_plan = _Plan(os.environ)


def failpoint(name: str) -> None:
    """Pass a named point."""
    if not _plan.actions:
        return
    assert name in POINTS, name
    planned = _plan.actions.get(name)
    if planned is None:
        return
    _plan.passed[name] = _plan.passed.get(name, 0) + 1
    action, hit = planned
    if _plan.passed[name] != hit:
        return
    os.write(2, f"failpoint {name}: {action}\n".encode())
    if action == "raise":
        raise Retryable(f"failpoint {name}")
    os.kill(os.getpid(), signal.SIGKILL if action == "kill" else signal.SIGSTOP)
