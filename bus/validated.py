"""A table as the model of a section: secrets from files, errors that name the key and the closest known one."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError

from bus.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], table: Mapping[str, Any], where: str) -> Model:
    """The section as its model. Raises ConfigError naming the key, what is wrong, and the closest known key."""
    try:
        return model.model_validate(with_secret_files(model, table, where))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        location = [str(part) for part in first["loc"]]
        name = ".".join(location)
        if first["type"] == "extra_forbidden":
            known = _fields_at(model, location[:-1])
            close = difflib.get_close_matches(location[-1], known, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(sorted(known))}"
            raise ConfigError(f"{where}: unknown key {name}; {hint}") from None
        raise ConfigError(f"{where}: {name}: {first['msg']}") from None


def with_secret_files(model: type[BaseModel], table: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The table with each `<secret>_file` read and put in its secret's place."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        base = key.removesuffix("_file")
        field = model.model_fields.get(key)
        if isinstance(value, dict) and field and (inner := _model_of(field.annotation)):
            if get_origin(field.annotation) is dict:  # a section per name
                found[key] = {
                    name: with_secret_files(inner, section, where) if isinstance(section, dict) else section
                    for name, section in value.items()
                }
            else:
                found[key] = with_secret_files(inner, value, where)
        elif field is None and base != key and _is_secret(model, base):
            try:
                found[base] = Path(value).read_text("utf-8").strip()
            except (OSError, TypeError) as error:
                raise ConfigError(f"{where}: {key}: cannot be read: {error}") from None
        else:
            found[key] = value
    return found


def _model_of(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401  # annotations are of any kind
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _is_secret(model: type[BaseModel], name: str) -> bool:
    field = model.model_fields.get(name)
    return field is not None and SecretStr in (field.annotation, *get_args(field.annotation))


def _fields_at(model: type[BaseModel], location: list[str]) -> list[str]:
    current: type[BaseModel] | None = model
    named = False
    for part in location:
        field = current.model_fields.get(part) if current else None
        if named:  # a section per name: this is the name
            named = False
            continue
        current = _model_of(field.annotation) if field else None
        named = field is not None and get_origin(field.annotation) is dict
    return list(current.model_fields) if current else []
