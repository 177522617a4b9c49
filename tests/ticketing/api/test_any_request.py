"""Whatever anybody asks that the OpenAPI document allows is answered as the document says, and never with a 5xx."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from pydantic import SecretStr
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from bus.ops import serving
from bus.settings import DatabaseSettings, Settings
from deploy.figures_in_api import figures
from deploy.openapi import openapi
from metrics_worker.migrate import upgrade
from tests.ticketing.api.house import House
from ticketing.api.app import api
from ticketing.people.policy import Role

pytestmark = pytest.mark.stack

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
async def served(house_of_its_own: House) -> AsyncIterator[str]:
    """The API on a real port."""
    await asyncio.to_thread(upgrade, house_of_its_own.url)
    settings = Settings(database=DatabaseSettings(url=SecretStr(house_of_its_own.url)))
    application = api(house_of_its_own.inside, figures(settings)(house_of_its_own.inside, asyncio.Event()))
    async with serving(application, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}"


def _ask_one(operation: Any, url: str, headers: dict[str, str], seed: int, examples: int) -> None:  # noqa: ANN401
    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy())
    def ask(case: Any) -> None:  # noqa: ANN401  # a schemathesis.Case
        case.call_and_validate(base_url=url, headers=headers, checks=CHECKS)

    ask()


def _ask(url: str, tokens: dict[str, str], roles: list[list[str]], examples: int) -> int:
    """Ask each operation as each of its roles; how many operations there were. Raises what a check finds."""
    schema = schemathesis.openapi.from_dict(openapi())
    count = 0
    for found, asked_as in zip(schema.get_all_operations(), itertools.cycle(roles), strict=False):
        operation = found.ok()  # type: ignore[union-attr]  # else it raises, and the test with it
        if operation.path.endswith("/live"):
            continue
        count += 1
        for role in asked_as:
            _ask_one(operation, url, {"Authorization": f"Bearer {tokens[role]}"}, count, examples)
    return count


async def test_a_few_requests_to_every_operation(house_of_its_own: House, served: str) -> None:
    await house_of_its_own.ticket("any-1")
    roles = [[str(role)] for role in Role]
    assert await asyncio.to_thread(_ask, served, house_of_its_own.tokens, roles, 2) > 50


@pytest.mark.long
async def test_many_requests_to_every_operation_by_every_role(house_of_its_own: House, served: str) -> None:
    await house_of_its_own.ticket("any-2")
    assert await asyncio.to_thread(_ask, served, house_of_its_own.tokens, [[str(role) for role in Role]], 40) > 50
