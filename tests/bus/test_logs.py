"""Log lines: one JSON object each, on standard error, with no secret in them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")
SCRIPT = """
import sys
import logging
import structlog
from bus.kafka_settings import KafkaSettings
from bus.logs import configure_logging
from bus.raw import RawMessage
from bus.settings import LoggingSettings, Settings

configure_logging(LoggingSettings(level="{level}", format=sys.argv[1]), "testing")
log = structlog.get_logger()
settings = Settings.model_validate({{"kafka": {{"sasl_password": "hunter2"}}, "database": {{"url": "postgresql://u:tr0ub4dor@h/d"}}}})
log.debug("quiet")
log.info("loud", settings=settings, kafka=settings.kafka)
logging.getLogger("aiokafka").warning("library says %s", settings.kafka)
logging.getLogger("aiokafka").info("library chats")
try:
    written = "what a customer " + "wrote"
    RawMessage.from_json(f'{{{{"channel": "{{written}}"}}}}')
except ValueError:
    log.exception("failed")
print("only what commands print goes here")
"""


def run(level: str, form: str = "json") -> tuple[str, str]:
    command = [sys.executable, "-c", SCRIPT.format(level=level), form]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stderr, done.stdout


def test_each_line_is_a_json_object_with_service_level_and_time() -> None:
    err, out = run("info")
    assert out == "only what commands print goes here\n"
    lines = [json.loads(line) for line in err.splitlines()]
    assert [line["event"].split()[0] for line in lines] == ["loud", "library", "failed"]
    assert all(line["level"] and line["timestamp"].endswith("Z") for line in lines)
    assert lines[0]["service"] == "testing"
    assert "ValidationError" in lines[2]["exception"]


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("form", ["json", "console"])
def test_a_full_disk_stops_nobodys_work(form: str) -> None:
    with FULL.open("w") as full:
        command = [sys.executable, "-c", SCRIPT.format(level="debug"), form]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=full, text=True, check=False)
    assert done.stdout == "only what commands print goes here\n"


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_secret_and_nothing_that_people_wrote_is_in_them(form: str) -> None:
    err, _ = run("debug", form)
    assert "quiet" in err
    assert "ValidationError" in err
    for word in ("hunter2", "tr0ub4dor", "what a customer wrote"):
        assert word not in err
