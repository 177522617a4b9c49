"""Settings: precedence, environment, secrets from files, and errors that name the key."""

import json
import os
from pathlib import Path

import pytest

from bus.errors import ConfigError
from bus.kafka_settings import KafkaSettings
from bus.options import Options
from bus.settings import config_file, data_folder, load_settings


def written(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "deskstream.toml").write_text(text, "utf-8")
    return folder


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[kafka]\nserver = 'x:1'\n", "unknown key kafka.server; did you mean servers?"),
        ("[threadng]\n", "unknown key threadng; did you mean threading?"),
        ("[desk]\nzzzzz = 1\n", "unknown key desk.zzzzz; known: "),
        ("[threading]\nmax_references = 0\n", "threading.max_references: "),
        ("[logging]\nlevel = 'loud'\n", "logging.level: "),
        ("[kafka\n", "deskstream.toml: "),
    ],
)
def test_an_error_is_one_line_that_names_the_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(data=written(tmp_path, text), environment={})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_flag_wins_over_environment_over_file_over_default(tmp_path: Path) -> None:
    def servers(flag: str | None, environment: dict[str, str]) -> str:
        return load_settings(data=tmp_path, kafka=flag, environment=environment).kafka.servers

    assert servers(None, {}) == "127.0.0.1:9092"
    written(tmp_path, "[kafka]\nservers = 'file:1'\n")
    assert servers(None, {}) == "file:1"
    assert servers(None, {"DESKSTREAM_KAFKA__SERVERS": "section:1"}) == "section:1"
    assert servers(None, {"DESKSTREAM_KAFKA": "environment:1"}) == "environment:1"
    assert servers("flag:1", {"DESKSTREAM_KAFKA": "environment:1"}) == "flag:1"


def test_the_environment_reaches_every_level_and_connectors_with_dashes(tmp_path: Path) -> None:
    written(tmp_path, "[connectors.support-mail]\ntype = 'email-smtp'\n")
    environment = {
        "DESKSTREAM_THREADING__REOPEN_DAYS": "7",
        "DESKSTREAM_CONNECTORS__SUPPORT_MAIL__PORT": "26",
        "DESKSTREAM_FAILPOINTS": "file.before_commit=kill",
        "DESKSTREAM_DATA": str(tmp_path),
    }
    settings = load_settings(environment=environment)
    assert settings.threading.reopen_days == 7
    assert settings.connectors == {"support-mail": {"type": "email-smtp", "port": "26"}}
    with pytest.raises(ConfigError, match=r"threading\.reopen_dayz"):
        load_settings(environment=environment | {"DESKSTREAM_THREADING__REOPEN_DAYZ": "7"})


def test_where_the_files_are(tmp_path: Path) -> None:
    assert data_folder(None, {}) == Path("deskstream-data")
    assert data_folder(None, {"DESKSTREAM_DATA": "d"}) == Path("d")
    assert data_folder(Path("flag"), {"DESKSTREAM_DATA": "d"}) == Path("flag")
    assert config_file(None, tmp_path, {}) is None
    own = written(tmp_path, "") / "deskstream.toml"
    other = tmp_path / "other.toml"
    other.write_text("")
    assert config_file(None, tmp_path, {}) == own
    assert config_file(None, tmp_path, {"DESKSTREAM_CONFIG": str(other)}) == other
    assert config_file(own, tmp_path, {"DESKSTREAM_CONFIG": str(other)}) == own
    with pytest.raises(ConfigError, match="no configuration file"):
        config_file(tmp_path / "absent.toml", tmp_path, {})


def test_the_file_is_never_taken_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, "[kafka]\nservers = 'here:1'\n")
    monkeypatch.chdir(tmp_path)
    assert load_settings(data=tmp_path / "data", environment={}).kafka.servers == "127.0.0.1:9092"


def test_a_secret_comes_from_a_file_and_is_shown_nowhere(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hunter2\n")
    written(tmp_path, f"[kafka]\nsasl_password_file = '{secret}'\nkey_password = 'swordfish'\n")
    settings = load_settings(data=tmp_path, database="postgresql://u:tr0ub4dor@h/d", environment={})
    assert settings.kafka.sasl_password is not None
    assert settings.kafka.sasl_password.get_secret_value() == "hunter2"
    assert settings.database.url is not None
    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert not any(word in shown for word in ("hunter2", "swordfish", "tr0ub4dor"))
    written(tmp_path, f"[kafka]\nsasl_password_file = '{tmp_path / 'absent'}'\n")
    with pytest.raises(ConfigError, match=r"sasl_password_file: cannot be read"):
        load_settings(data=tmp_path, environment={})


@pytest.mark.parametrize("text", ["[kafka]\nsasl_password = ['hunter2']\n", "[database]\nurl = {x = 'hunter2'}\n"])
def test_an_error_about_a_secret_does_not_tell_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(data=written(tmp_path, text), environment={})
    assert "hunter2" not in str(caught.value)


def test_sasl_and_tls_become_client_options_or_one_line(tmp_path: Path) -> None:
    sasl = KafkaSettings(
        security_protocol="SASL_PLAINTEXT", sasl_mechanism="SCRAM-SHA-512", sasl_username="u", sasl_password="p"
    )
    options = sasl.client_options()
    assert (options["sasl_mechanism"], options["sasl_plain_username"], options["sasl_plain_password"]) == (
        "SCRAM-SHA-512",
        "u",
        "p",
    )
    with pytest.raises(ConfigError, match="sasl_password"):
        KafkaSettings(security_protocol="SASL_SSL", sasl_username="u").client_options()
    with pytest.raises(ConfigError, match=r"absent\.pem"):
        KafkaSettings(security_protocol="SSL", ca_file=str(tmp_path / "absent.pem")).client_options()
    assert KafkaSettings(security_protocol="SSL").client_options()["ssl_context"].check_hostname


def endpoints(folder: Path, pid: int) -> None:
    document = {"kafka": "up:1", "database": "postgresql+psycopg://up/d", "pid": pid, "ready": True}
    (folder / "endpoints.json").write_text(json.dumps(document))


def test_commands_find_the_running_up_unless_told_otherwise(tmp_path: Path) -> None:
    options = Options(tmp_path, environment={})
    endpoints(tmp_path, os.getpid())
    settings = options.settings("kafka", "database")
    assert settings.kafka.servers == "up:1"
    assert settings.database.url is not None
    assert settings.database.url.get_secret_value() == "postgresql+psycopg://up/d"
    assert Options(tmp_path, kafka="flag:1", environment={}).settings().kafka.servers == "flag:1"
    assert Options(tmp_path, environment={"DESKSTREAM_KAFKA": "e:1"}).settings().kafka.servers == "e:1"
    written(tmp_path, "[kafka]\nservers = 'file:1'\n")
    assert options.settings().kafka.servers == "file:1"


def test_endpoints_of_an_up_that_is_gone_are_not_believed(tmp_path: Path) -> None:
    gone = 2**22 + 1  # beyond every process id
    endpoints(tmp_path, gone)
    options = Options(tmp_path, environment={})
    assert options.endpoints() is None
    for needed, flag in (("kafka", "--kafka"), ("database", "--database")):
        with pytest.raises(ConfigError, match=flag):
            options.settings(needed)  # type: ignore[arg-type]
    (tmp_path / "endpoints.json").write_text("{")
    assert options.endpoints() is None
