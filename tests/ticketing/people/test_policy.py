"""One table, one function: who may do what."""

import itertools

import pytest

from ticketing.people.policy import COMMON, TABLE, Permission, Role, Who, may, reach

_EVERYWHERE = ("sales", "support", COMMON, None)


def who(*roles: Role, scopes: frozenset[Permission] | None = None, departments: frozenset[str] = frozenset()) -> Who:
    return Who("a1", "Ann", frozenset(roles), scopes, departments)


def test_the_table_says_something_of_every_role_and_permission() -> None:
    assert TABLE.keys() == set(itertools.product(Role, Permission))
    assert set(TABLE.values()) == {"all", "own", "-"}


def test_an_agent_works_in_departments_of_his_own_and_in_the_common_one() -> None:
    agent = who(Role.AGENT, departments=frozenset({"sales"}))
    allowed = [each for each in _EVERYWHERE if may(agent, Permission.WORK_TICKETS, each)]
    assert allowed == ["sales", COMMON, None]
    assert reach(agent, Permission.WORK_TICKETS) == frozenset({"sales", COMMON})


def test_an_admin_works_everywhere() -> None:
    assert reach(who(Role.ADMIN), Permission.WORK_TICKETS) is None
    assert all(may(who(Role.ADMIN), permission, each) for permission in Permission for each in _EVERYWHERE)


def test_whoever_only_reads_changes_nothing() -> None:
    reader = who(Role.READ_ONLY, departments=frozenset({"sales"}))
    changing = (p for p in Permission if not p.startswith("see_"))
    assert not any(may(reader, permission, each) for permission in changing for each in _EVERYWHERE)


def test_people_are_managed_by_admins_alone() -> None:
    managing = [role for role in Role if may(who(role), Permission.MANAGE_PEOPLE)]
    assert managing == [Role.ADMIN]


def test_several_roles_may_what_any_of_them_may() -> None:
    assert may(who(Role.READ_ONLY, Role.AGENT), Permission.WORK_TICKETS)


def test_without_a_role_nothing_is_allowed() -> None:
    assert not any(may(who(), permission, each) for permission in Permission for each in _EVERYWHERE)


@pytest.mark.parametrize("role", Role)
def test_scopes_only_narrow(role: Role) -> None:
    for permission, scope, department in itertools.product(Permission, Permission, _EVERYWHERE):
        whole = may(who(role), permission, department)
        narrowed = may(who(role, scopes=frozenset({scope})), permission, department)
        assert narrowed == (whole and permission is scope)
    assert not any(may(who(role, scopes=frozenset()), permission) for permission in Permission)
