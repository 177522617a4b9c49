"""README's and the docs' commands, options and links exist."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

from bus.settings import Settings
from deploy.cli import PACKAGES, build

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]
_COMMAND = re.compile(r"deskstream ((?:[a-z][a-z-]*\b ?)+)((?:[^`\n|;]|\\\|)*)")
_MAKE = re.compile(r"\bmake ([a-z]+)\b")


def _commands() -> Any:  # noqa: ANN401  # typer brings its own click, without types
    return typer.main.get_command(build())


def _resolve(words: list[str]) -> Any:  # noqa: ANN401  # as above
    """The command that the words lead to; raises AssertionError at the first that is none."""
    command = _commands()
    for word in words:
        inner = getattr(command, "commands", {}).get(word)
        if inner is None:
            # what follows a full command are its arguments
            assert not hasattr(command, "commands") or command.invoke_without_command, f"no command {words}"
            break
        command = inner
    return command


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_and_options_exist(document: Path) -> None:
    code = re.findall(r"`([^`\n]+)`|^    (.+)$", document.read_text(), re.MULTILINE)
    for inline, block in code:
        for found in _COMMAND.finditer(inline or block):
            command = _resolve(found[1].split())
            options = {name for parameter in command.params for name in parameter.opts}
            for option in re.findall(r"(?<!\S)--[a-z][a-z-]+", found[2]):
                assert option in options | {"--help"}, f"{found[0]}: no option {option}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_make_targets_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for inline, block in re.findall(r"`([^`\n]+)`|^    (.+)$", document.read_text(), re.MULTILINE):
        for target in _MAKE.findall(inline or block):
            assert target in targets, f"make {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_named_files_exist(document: Path) -> None:
    text = document.read_text()
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (document.parent / target).exists(), target
    for named in re.findall(r"`((?:bus|normalize|ingest|ticketing|metrics_worker|deploy|tests)/[\w./]*)`", text):
        assert (ROOT / named).exists(), named


def test_every_section_of_the_configuration_is_documented() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    for section, field in Settings.model_fields.items():
        if section == "data":
            continue
        assert f"[{section}" in text, f"[{section}] is not in docs/operations.md"
        for key in getattr(field.annotation, "model_fields", {}):
            assert f"`{key}`" in text, f"[{section}] {key} is not in docs/operations.md"


def test_every_command_has_help() -> None:
    def walk(command: Any, path: str) -> None:  # noqa: ANN401  # as above
        assert command.help, f"{path}: no help"
        for name, inner in getattr(command, "commands", {}).items():
            walk(inner, f"{path} {name}")

    walk(_commands(), "deskstream")


def test_each_command_is_found_in_the_package_that_is_said_to_bring_it() -> None:
    named = {command for commands in PACKAGES.values() for command in commands}
    assert named == set(_commands().commands)
    for command in named:
        assert command in typer.main.get_command(build(command)).commands  # type: ignore[attr-defined]  # a group
