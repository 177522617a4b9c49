"""A worker in a process of its own, on topics of a test."""

import json
import sys
from typing import Any

from pydantic import SecretStr

from bus.kafka_settings import KafkaSettings
from bus.service import run_service
from bus.settings import DatabaseSettings, Settings
from metrics_worker.service import work
from metrics_worker.snapshot import Names


def settings_of(told: dict[str, Any]) -> Settings:
    """What `Figures.told` says."""
    return Settings(
        kafka=KafkaSettings(servers=told["kafka"]),
        database=DatabaseSettings(url=SecretStr(told["database"])),
        calendars=told["calendars"],
    )


if __name__ == "__main__":
    told, silence = json.loads(sys.argv[1]), float(sys.argv[2])
    settings = settings_of(told)
    sys.exit(run_service("metrics", settings, work(settings, names=Names(**told["names"]), silence=silence)))
