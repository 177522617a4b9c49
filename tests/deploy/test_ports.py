"""Ports stay the same from start to start, and a port in use is named."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.errors import ConfigError
from deploy.embedded import ports


@pytest.fixture
def busy() -> Iterator[int]:
    with socket.socket() as server:
        (port,) = ports.take(1)
        server.bind((ports.HOST, port))
        server.listen()
        yield port


def test_a_port_in_use_that_was_asked_for_is_named_with_its_option(busy: int) -> None:
    with pytest.raises(ConfigError, match=rf"port {busy} on 127\.0\.0\.1 is in use: .*--smtp-port") as error:
        ports.asked(busy, "--smtp-port")
    assert len(str(error.value).splitlines()) == 1


def test_a_free_port_is_given_and_zero_takes_one(busy: int) -> None:
    (free,) = ports.take(1)
    assert ports.asked(free, "--smtp-port") == free
    assert ports.asked(0, "--smtp-port") not in (0, busy)


def test_ports_are_kept(tmp_path: Path) -> None:
    first = ports.kept(tmp_path / "ports.json", ("client", "controller"))
    assert len(set(first)) == 2
    assert ports.kept(tmp_path / "ports.json", ("client", "controller")) == first


def test_kept_ports_are_given_up_once_another_program_has_one(tmp_path: Path) -> None:
    first = ports.kept(tmp_path / "ports.json", ("client", "controller"))
    with socket.socket() as server:
        server.bind((ports.HOST, first[1]))
        server.listen()
        second = ports.kept(tmp_path / "ports.json", ("client", "controller"))
        assert first[1] not in second
    assert ports.kept(tmp_path / "ports.json", ("client", "controller")) == second


@pytest.mark.parametrize("damaged", ["", "{}", "[]", '{"client": "x", "controller": 1}'])
def test_a_damaged_file_of_ports_is_replaced(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "ports.json").write_text(damaged)
    assert len(ports.kept(tmp_path / "ports.json", ("client", "controller"))) == 2


def test_ports_lie_below_those_of_outgoing_connections() -> None:
    assert all(ports.LOWEST <= port < ports.HIGHEST <= 32_768 for port in ports.take(50))
