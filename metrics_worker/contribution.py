"""What a merge group adds to the figures, and by which events. Pure; integers only."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from metrics_worker.facts import Fact
from metrics_worker.groups import MergeGroup


class MetricKey(NamedTuple):
    """One number: whose (`contact:<id>` … `desk`), and which figure."""

    key: str
    figure: str


class Measure(NamedTuple):
    """`n` of a figure, measured from one event to another (None: it lasts, or is one moment)."""

    figure: str
    n: int
    since: Fact
    until: Fact | None


def keys_of(group: MergeGroup) -> list[str]:
    """Whose figures the group belongs to: those its root names."""
    root = group.root
    if root is None:
        return []
    named = (
        ("contact", root.contact_id),
        ("account", root.account_id),
        ("team", root.team_id),
        ("agent", root.owner_id),
    )
    return [*(f"{kind}:{name}" for kind, name in named if name is not None), "desk"]


def measures(group: MergeGroup) -> Iterator[Measure]:
    """Every number the group adds, for each of its keys alike; nothing while its root is spam or not read yet."""
    root = group.root
    if root is None or root.spam:
        return
    opened: Fact | None = None
    first: Fact | None = None
    by_channel: dict[str, list[Fact]] = {}
    for fact in group.union:
        if fact.kind == "opened":
            opened = opened or fact
        elif fact.kind != "customer_message":
            continue
        else:
            by_channel.setdefault(fact.channel or "", []).append(fact)
        first = first or fact
    if opened is None or first is None:
        return
    turned = root.turning_point
    yield Measure("total", 1, opened, None)
    if turned is not None and turned.kind == "closed":
        yield Measure("closed", 1, opened, turned)
    else:
        yield Measure("open", 1, turned or opened, None)
    yield Measure(f"by_channel.{first.channel}", 1, first, None)
    for channel, messages in by_channel.items():
        until = messages[-1] if len(messages) > 1 else None
        yield Measure(f"messages_by_channel.{channel}", len(messages), messages[0], until)


def contribution(group: MergeGroup) -> Mapping[MetricKey, int]:
    """The group's share of every number it has a share in; all numbers are sums of these."""
    keys = keys_of(group)
    return {MetricKey(key, measure.figure): measure.n for measure in measures(group) for key in keys}
