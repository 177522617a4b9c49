"""How tests are shared out when pytest-xdist runs them in several workers, each with a stack of its own."""

import pytest
from xdist.scheduler import LoadScopeScheduling

_OWN = (
    "tests/e2e/test_failpoints.py",
    "tests/e2e/test_hard_faults.py",
    "tests/e2e/test_public_channels.py",
    "tests/e2e/test_chat.py",
)


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist publishes no types
    """A file goes to one worker, in order, so that what its tests share is started once.

    So do those of `e2e/` that share one `up`: all but those that start their own.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "tests/e2e" if file.startswith("tests/e2e/") and file not in _OWN else file


class SharingOut:
    """The plugin: by file, and what takes longest first, so that no worker waits for the other at the end."""

    @staticmethod
    def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
        """Put the whole before its parts."""
        items.sort(key=lambda item: not item.nodeid.startswith("tests/e2e/"))

    @staticmethod
    def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
        """See the hook of pytest-xdist."""
        config.option.loadscopereorder = False
        return ByFile(config, log)
