"""From counters to the document that is published and shown. Pure."""

from collections.abc import Mapping

from bus.figures import AsOf, CustomerMetrics, Figure
from metrics_worker.definitions import ALWAYS, definition_of


def document(key: str, revision: int, counters: Mapping[str, int], as_of: AsOf) -> CustomerMetrics:
    """All figures of `key`. A count is its own sum."""
    return CustomerMetrics(key=key, as_of=as_of, revision=revision, figures=figures(counters))


def figures(counters: Mapping[str, int]) -> dict[str, Figure]:
    """Every counter that is not 0 as a figure, with its definition; those of ALWAYS in any case."""
    found: dict[str, Figure] = {}
    for name in (*ALWAYS, *sorted(counters.keys() - set(ALWAYS))):
        n = counters.get(name, 0)
        definition = definition_of(name)
        if definition is not None and (n or name in ALWAYS):
            found[name] = Figure(value=n, count=n, sum=n, definition=definition.reference)
    return found
