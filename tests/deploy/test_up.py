"""`up` puts the parts together: addresses, order, one-line errors, and a data folder it does not wipe by mistake."""

import asyncio
import json
import re
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from rich.console import Console

from bus.endpoints import Endpoints, read_endpoints
from bus.errors import ConfigError
from bus.settings import Settings, load_settings
from bus.validated import validated
from deploy import up as module
from deploy.embedded import ports
from deploy.services import Place, intake_environment, services, smtp_environment
from deploy.starter_config import ensure_config
from deploy.supervise.part import Service
from deploy.up import UpOptions, up
from ingest.smtp.settings import EmailSmtpSettings
from tests.conftest import Stack
from tests.deploy.toys import toy

SMTP = """
[connectors.other]
type = "something"
[connectors.support-mail]
type = "email-smtp"
addresses = ["support@desk.example"]
port = 2599
"""


def configured(folder: Path, text: str) -> Settings:
    (folder / "deskstream.toml").write_text(text)
    return load_settings(data=folder, environment={})


def lines_of(console: Console) -> list[str]:
    return [line.rstrip() for line in console.export_text().splitlines()]


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(*_: object) -> Sequence[Service]:
        return (toy("connector"), toy("ticketing"))

    monkeypatch.setattr(module, "services", rows)


@pytest.mark.stack
@pytest.mark.usefixtures("toys")
def test_up_starts_all_says_where_and_stops_all(stack: Stack, tmp_path: Path) -> None:
    seen: list[Endpoints] = []

    async def visit(endpoints: Endpoints, settings: Settings) -> int:
        assert read_endpoints(tmp_path) == endpoints
        assert (tmp_path / "endpoints.json").stat().st_mode & 0o777 == 0o600
        assert settings.kafka.servers == stack.kafka
        admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka)
        await admin.start()
        assert {"raw.email", "tickets.events", "relay.cursor"} <= set(await admin.list_topics())
        await admin.close()
        seen.append(endpoints)
        return 3

    console = Console(record=True, width=200, quiet=False, file=(tmp_path / "said").open("w"))
    url = stack.new_database()
    options = UpOptions(tmp_path, kafka=stack.kafka, database=url, smtp_port=0, intake_port=0, once=True)
    assert up(options, console, visit) == 3

    (endpoints,) = seen
    assert endpoints.ready
    assert (endpoints.kafka, endpoints.database, endpoints.smtp) == (stack.kafka, url, "127.0.0.1:2525")
    assert [one.name for one in endpoints.processes] == ["connector", "ticketing"]
    assert all(one.ops and one.ops.startswith("http://127.0.0.1:") for one in endpoints.processes)
    after = read_endpoints(tmp_path)
    assert after
    assert (after.ready, after.processes) == (False, ())
    said = lines_of(console)
    assert any(line.startswith("Ready") for line in said)
    password = re.search(r":([^:@/]+)@", url)
    assert password
    assert password[1] not in "\n".join(said)


@pytest.mark.stack
@pytest.mark.usefixtures("toys")
def test_a_kafka_that_cannot_be_reached_is_named_in_one_line(stack: Stack, tmp_path: Path) -> None:
    (port,) = ports.take(1)
    console = Console(record=True, width=200, file=(tmp_path / "said").open("w"))
    options = UpOptions(tmp_path, kafka=f"127.0.0.1:{port}", database=stack.new_database(), smtp_port=0, intake_port=0)
    assert up(options, console) == 1
    assert [line for line in lines_of(console) if str(port) in line] == [
        f"deskstream up: Kafka does not answer at 127.0.0.1:{port}; check the address and that it runs"
    ]


def test_a_wrong_setting_ends_up_with_status_2_and_one_line(tmp_path: Path) -> None:
    (tmp_path / "deskstream.toml").write_text("[desk]\nnmae = 'x'\n")
    console = Console(record=True, width=200, file=(tmp_path / "said").open("w"))
    assert up(UpOptions(tmp_path), console) == 2
    assert any("unknown key desk.nmae; did you mean name?" in line for line in lines_of(console))


def test_a_folder_that_is_no_data_folder_is_not_emptied(tmp_path: Path) -> None:
    (data := tmp_path / "data").mkdir()
    (data / "letters").mkdir()
    wrong = tmp_path / "wrong.toml"  # it must not get as far as to start anything
    wrong.write_text("[desk]\nnmae = 'x'\n")
    console = Console(record=True, width=300, file=(tmp_path / "said").open("w"))
    assert up(UpOptions(data, config=wrong, emptied=True), console) == 2
    assert (data / "letters").is_dir()
    assert any("not a data folder of Deskstream" in line for line in lines_of(console))


def test_a_data_folder_is_emptied(tmp_path: Path) -> None:
    for name in ("up.pid", "endpoints.json", "deskstream.toml"):
        (tmp_path / name).write_text("")
    (tmp_path / "kafka" / "data").mkdir(parents=True)
    module._empty(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["up.pid"]


def test_the_starter_configuration_is_valid_and_written_once(tmp_path: Path) -> None:
    file = ensure_config(tmp_path, None)
    section = load_settings(data=tmp_path, environment={}).connectors["support-mail"]
    settings = validated(EmailSmtpSettings, section, "test")
    assert (settings.addresses, settings.host, settings.port) == (["support@desk.example"], "127.0.0.1", 2525)
    file.write_text("# mine")
    assert ensure_config(tmp_path, None) == file
    assert file.read_text() == "# mine"
    with pytest.raises(ConfigError, match="no-such"):
        ensure_config(tmp_path, tmp_path / "no-such.toml")


def test_the_smtp_port_that_is_chosen_reaches_the_smtp_connector(tmp_path: Path) -> None:
    settings = configured(tmp_path, SMTP)
    (free,) = ports.take(1)
    for asked in (free, 0):
        environment = smtp_environment(settings, asked)
        read = load_settings(data=tmp_path, environment=environment).connectors["support-mail"]
        assert int(read["port"]) == (asked or int(*environment.values()))
        assert int(read["port"]) > 0
    assert smtp_environment(configured(tmp_path, ""), 0) == {}


def test_an_smtp_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as server:
        (busy,) = ports.take(1)
        server.bind(("127.0.0.1", busy))
        server.listen()
        with pytest.raises(ConfigError, match=f"port {busy} .*--smtp-port"):
            smtp_environment(configured(tmp_path, SMTP), busy)
        with pytest.raises(ConfigError, match=f"port {busy} "):
            smtp_environment(configured(tmp_path, SMTP.replace("2599", str(busy))), None)


PAGE = '[connectors.help]\ntype = "website"\n'


def test_the_intake_port_that_is_chosen_reaches_the_server_of_whoever_has_routes(tmp_path: Path) -> None:
    settings = configured(tmp_path, PAGE)
    (free,) = ports.take(1)
    for wanted in (free, 0):
        environment = intake_environment(settings, wanted)
        read = load_settings(data=tmp_path, environment=environment).intake
        assert read.port == (wanted or int(*environment.values()))
        assert read.port > 0
    assert intake_environment(configured(tmp_path, ""), 0) == {}


def test_an_intake_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as server:
        (busy,) = ports.take(1)
        server.bind(("127.0.0.1", busy))
        server.listen()
        with pytest.raises(ConfigError, match=f"port {busy} .*--intake-port"):
            intake_environment(configured(tmp_path, PAGE), busy)
        with pytest.raises(ConfigError, match=f"port {busy} "):
            intake_environment(configured(tmp_path, f"[intake]\nport = {busy}\n{PAGE}"), None)


def test_connectors_know_no_database_and_wait_for_what_up_keeps(tmp_path: Path) -> None:
    settings = configured(tmp_path, SMTP)
    place = Place(tmp_path, tmp_path / "deskstream.toml", "127.0.0.1:1", "postgresql+psycopg://x:secret@127.0.0.1/y")
    rows = {row.name: row for row in services(settings, place, {}, ["kafka"])}
    assert list(rows) == ["connector", "ticketing", "metrics", "api"]
    assert list(rows["connector"].argv)[-3:] == ["connector", "other", "support-mail"]
    assert rows["connector"].env["DESKSTREAM_DATABASE"] is None
    assert rows["ticketing"].env["DESKSTREAM_DATABASE"] == place.database
    needs = {name: list(row.needs) for name, row in rows.items()}
    assert needs == {"connector": ["kafka"], "ticketing": ["kafka"], "metrics": ["kafka"], "api": []}
    assert not any("secret" in word for row in rows.values() for word in row.argv)
    assert "connector" not in {row.name for row in services(configured(tmp_path, ""), place, {}, [])}


async def test_what_fails_beside_another_cancels_it_first() -> None:
    ended: list[str] = []

    async def fails() -> str:
        raise ConfigError("no")

    async def waits() -> str:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("waits")
        return ""

    with pytest.raises(ConfigError):
        await module._both(waits(), fails())
    assert ended == ["waits"]


def test_a_damaged_endpoints_file_says_what_to_do(tmp_path: Path) -> None:
    assert read_endpoints(tmp_path) is None
    (tmp_path / "endpoints.json").write_text(json.dumps({"pid": "?"}))
    with pytest.raises(ConfigError, match="start `deskstream up` again"):
        read_endpoints(tmp_path)
