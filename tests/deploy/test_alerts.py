"""Alert rules speak of nothing that is not exported, and operations.md of everything that the figures export."""

import importlib
import re
from pathlib import Path

from prometheus_client import REGISTRY

from metrics_worker.figures import EVERY

ROOT = Path(__file__).parents[2]
RULES = (ROOT / "deploy" / "monitoring" / "alerts.yml").read_text("utf-8")
_EXPORTING = (
    "bus.parking",
    "ingest.meters",
    "ingest.sending",
    "ingest.tally",
    "metrics_worker.meters",
    "ticketing.receipts",
    "ticketing.relay",
    "ticketing.service",
)


def _exported() -> dict[str, set[str]]:
    """Names of series as they are scraped, with their labels."""
    for module in _EXPORTING:
        importlib.import_module(module)
    found: dict[str, set[str]] = {}
    for collector, names in REGISTRY._collector_to_names.items():  # the library lists them nowhere else
        labels = set(getattr(collector, "_labelnames", ()))
        series = [name for name in names if not {f"{name}_total", f"{name}_bucket"} & set(names)]
        found |= {name: labels | {"le"} for name in series}
    return found


def test_every_name_in_the_rules_is_exported() -> None:
    exported = _exported()
    named = re.findall(r"\bdeskstream_\w+", RULES)
    assert named
    for name in named:
        assert name in exported, name
    for name, selector in re.findall(r"\b(deskstream_\w+)\{([^}]*)\}", RULES):
        for label, value in re.findall(r'(\w+)=~?"([^"]*)"', selector):
            assert label in exported[name], f"{name} has no label {label}"
            if label == "figure":
                assert value in EVERY, value


def test_every_meter_of_the_figures_is_documented() -> None:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    for name in _exported():
        if re.match(r"deskstream_(figures|desk)_", name) and not name.endswith(("_count", "_sum", "_created")):
            assert f"`{name.removesuffix('_bucket')}`" in text, name


def test_every_meter_of_connectors_is_documented() -> None:
    text = (ROOT / "docs" / "operating-connectors.md").read_text("utf-8")
    for name in _exported():
        if name.startswith("deskstream_connector_"):
            assert f"`{name}`" in text, name


def test_rules_are_whole() -> None:
    alerts = re.findall(r"^      - alert: (\w+)$", RULES, re.MULTILINE)
    assert len(alerts) == len(set(alerts)) == RULES.count("        expr: ") == RULES.count("summary: ")
