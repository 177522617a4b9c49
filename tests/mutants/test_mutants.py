"""Each guarantee was seen red once: the bug put in on purpose is kept as a patch that must turn its test red.

A patch names its test in a line `# turns red: tests/…::test_…` before the diff. `make long` applies each to a
copy of the tree; `make check` makes sure that every patch still applies and names a test that exists.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATCHES = sorted(Path(__file__).parent.glob("*.patch"))
_COPIED = ("bus", "normalize", "ingest", "ticketing", "metrics_worker", "deploy", "tests", "docs")
_FILES = ("pyproject.toml", "README.md", "Makefile")


def _tests_named(patch: Path) -> list[str]:
    return re.findall(r"^# turns red: (\S+)", patch.read_text(), re.MULTILINE)


def _written_in(file: str) -> list[Path]:
    """Where the tests of a file may stand: in it, or in a contract suite that it runs."""
    suites = (ROOT / "tests" / "contracts").glob("*_contract.py") if file.startswith("tests/contracts/") else ()
    return [ROOT / file, *suites]


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    for folder in _COPIED:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in _FILES:
        shutil.copy(ROOT / name, tmp_path / name)
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture(scope="session")
def red_without(request: pytest.FixtureRequest) -> list[str]:
    """The named tests that are red without any mutant: those of all chosen patches are run once, together."""
    chosen = [item.callspec.params["patch"] for item in request.session.items if "red_without" in _fixtures(item)]  # type: ignore[attr-defined]
    named = sorted({test for patch in chosen for test in _tests_named(patch)})
    done = _run(ROOT, named, "-rfE", timeout=3_600)
    assert done.returncode in (0, 1), done.stdout[-4_000:] + done.stderr[-2_000:]
    return re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)


def _fixtures(item: pytest.Item) -> tuple[str, ...]:
    return tuple(getattr(item, "fixturenames", ()))


def _run(tree: Path, tests: list[str], *options: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "", *options, *tests],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def test_there_are_mutants() -> None:
    assert PATCHES


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_mutant_applies_and_names_its_test(patch: Path) -> None:
    named = _tests_named(patch)
    assert named, "no line `# turns red: tests/…::test_…`"
    for test in named:
        file, _, name = test.partition("::")
        function = name.rpartition("::")[2].partition("[")[0]
        assert any(re.search(rf"def {re.escape(function)}\b", path.read_text()) for path in _written_in(file)), test
    applies = subprocess.run(
        ["git", "apply", "--check", str(patch)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert applies.returncode == 0, applies.stderr


@pytest.mark.long
@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: patch.stem)
def test_mutant_turns_its_test_red(patch: Path, copy: Path, red_without: list[str]) -> None:
    named = _tests_named(patch)
    red = [one for one in red_without if one.startswith(tuple(named))]
    assert not red, "red without the mutant"
    subprocess.run(["patch", "-p1", "-s", "-i", str(patch)], cwd=copy, check=True)
    mutated = _run(copy, named, "-x")
    assert mutated.returncode == 1, f"the mutant lives:\n{mutated.stdout[-2_000:]}"
