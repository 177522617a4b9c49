"""Reading an object of JSON that a stranger sent: every look has a type, and none fails but at an endless list."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from bus.errors import Invalid
from normalize.legible import legible, one_line

Json: TypeAlias = "str | int | float | bool | Mapping[str, Json] | Sequence[Json] | None"

_YES = {"true", "1", "yes", "on"}
_LONGEST_LIST = 5_000
_LONGEST_ID = 500
"""No provider's id comes near."""


class Fields:
    """An object. What is missing, or of another type than the one asked for, is empty."""

    __slots__ = ("_values",)

    def __init__(self, values: Json = None) -> None:
        self._values: Mapping[str, Json] = values if isinstance(values, Mapping) else {}

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def __bool__(self) -> bool:
        return bool(self._values)

    def __iter__(self) -> Iterator[str]:
        return (name for name, value in self._values.items() if value is not None)

    def raw(self, name: str) -> Json:
        """The value as it is."""
        return self._values.get(name)

    def text(self, *names: str) -> str:
        """The first that is a text or number and not empty; of a list the first item."""
        for name in names:
            value = self._values.get(name)
            if isinstance(value, list) and value:
                value = value[0]
            if isinstance(value, str):
                if value:
                    return legible(value)
            elif isinstance(value, int | float) and not isinstance(value, bool):
                return str(value)
        return ""

    def line(self, *names: str) -> str:
        """The same without line breaks and control characters; the first that is not blank."""
        for name in names:
            found = one_line(self.text(name))
            if found:
                return found
        return ""

    def id(self, *names: str) -> str:
        """An identifier, which providers give as text or number."""
        return self.line(*names)[:_LONGEST_ID]

    def ids(self, name: str) -> list[str]:
        """The identifiers of a list, one each."""
        value = self._values.get(name)
        given = value if isinstance(value, list) else []
        found = (Fields({"id": each}).id("id") for each in given if not isinstance(each, list))
        return list(dict.fromkeys(each for each in found if each))

    def number(self, *names: str) -> float | None:
        """The first that is a finite number, or a text that reads as one."""
        for name in names:
            value = self._values.get(name)
            if isinstance(value, bool):
                continue
            if isinstance(value, str) and len(value) < 40:
                try:
                    value = float(value)
                except ValueError:
                    continue
            if isinstance(value, int | float):
                try:
                    found = float(value)
                except OverflowError:
                    continue
                if math.isfinite(found):
                    return found
        return None

    def whole(self, *names: str) -> int | None:
        """The first that is a number, cut to a whole one that a wire's integer can hold and not below 0."""
        found = self.number(*names)
        return None if found is None else max(0, min(int(found), 2**53))

    def flag(self, name: str) -> bool:
        """Whether it is true, as JSON or as forms write it."""
        value = self._values.get(name)
        return value is True or (isinstance(value, str | int) and str(value).lower() in _YES)

    def object(self, *names: str) -> "Fields":
        """The first that is an object; an empty one if none is."""
        for name in names:
            value = self._values.get(name)
            if isinstance(value, Mapping):
                return Fields(value)
        return Fields()

    def objects(self, name: str) -> list["Fields"]:
        """The objects of a list."""
        return objects_of(self._values.get(name))

    def texts(self, name: str) -> list[str]:
        """The texts of a list, or the one text that stands in its place."""
        value = self._values.get(name)
        if isinstance(value, str):
            return [legible(value)] if value else []
        if isinstance(value, Sequence):
            return [legible(each) for each in value if isinstance(each, str) and each]
        return []


def objects_of(value: Json) -> list[Fields]:
    """The objects of a list, without what else stands in it. Raises Invalid when they are more than any page has."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    if len(value) > _LONGEST_LIST:
        raise Invalid(f"a list of more than {_LONGEST_LIST} items")
    return [Fields(each) for each in value if isinstance(each, Mapping)]
