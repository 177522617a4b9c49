"""A request's headers, looked up by name at once: the server asks for a dozen of them."""

from starlette.datastructures import Headers
from starlette.types import Scope


class IndexedHeaders(Headers):
    """Starlette's, with an index. Of a header that came twice the first counts, `getlist` has both."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope=scope)
        index: dict[str, str] = {}
        for name, value in scope["headers"]:
            index.setdefault(name.decode("latin-1"), value.decode("latin-1"))
        self._index = index

    def __getitem__(self, key: str) -> str:
        return self._index[key.lower()]

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.lower() in self._index

    def get(self, key: str, default: str | None = None) -> str | None:  # type: ignore[override]  # as Mapping's
        """The first value."""
        return self._index.get(key.lower(), default)
