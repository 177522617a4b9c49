"""How tests are shared out when pytest-xdist runs them in several workers, each with a stack of its own."""

import pytest
from xdist.scheduler import LoadScopeScheduling


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist publishes no types
    """A file goes to one worker, in order, so that what its tests share is started once; so does all of `e2e/`."""

    def _split_scope(self, nodeid: str) -> str:
        return "tests/e2e" if nodeid.startswith("tests/e2e/") else nodeid.partition("::")[0]


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
