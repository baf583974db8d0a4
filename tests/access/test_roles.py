"""Roles are sets of verbs, and some verbs never meet in one person."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.access.principal import Scope
from ordertrail.access.recognising import contains, within
from ordertrail.access.roles import (
    ALLOWS,
    BEHIND_GLASS,
    NOT_BY_KEY,
    PURPOSE,
    SEPARATED,
    Role,
    Weight,
    check_separation,
    meetings,
    roles_of,
    verbs_of,
    with_glass_broken,
)
from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import InputError

READS_EVIDENCE = frozenset(
    {
        Verb.EVENTS_SEARCH, Verb.ACTIVITY_READ, Verb.IDENTITIES_REVEAL, Verb.PROOFS_READ, Verb.EXPORTS_MAKE,
        Verb.CASES_READ, Verb.ALERTS_READ, Verb.LINKS_READ, Verb.RETENTION_READ, Verb.INTAKE_READ,
    }
)  # fmt: skip

REFUSED = [one for one in SEPARATED if one.weight is Weight.REFUSED]

names = st.sampled_from(["acme", "bolt", "crow"])
some = st.frozensets(names, max_size=3)
scopes = st.builds(Scope, st.none() | some, some, some)


def test_every_verb_is_somebodys_work() -> None:
    """A verb that no role allows would be an address that nobody opens."""
    assert verbs_of(Role) == frozenset(Verb)
    assert set(ALLOWS) == set(PURPOSE) == set(Role)


def test_the_administrator_reads_no_evidence() -> None:
    """Who gives rights has none to read, by the role alone."""
    assert not verbs_of([Role.ADMINISTRATOR]) & READS_EVIDENCE


def test_only_the_administrator_gives_rights() -> None:
    """No other role manages accounts or writes settings."""
    for role in Role:
        own = verbs_of([role]) & {Verb.ACCOUNTS_MANAGE, Verb.SETTINGS_WRITE}
        assert bool(own) == (role is Role.ADMINISTRATOR)


@pytest.mark.parametrize("role", Role)
def test_no_role_breaks_a_separation_by_itself(role: Role) -> None:
    """Else it could never be given."""
    assert not [one for one in meetings([role]) if one.weight is Weight.REFUSED]


@pytest.mark.parametrize("one", SEPARATED, ids=lambda one: f"{one.one}+{one.other}")
def test_each_separation_keeps_some_roles_apart(one: object) -> None:
    """A pair that no two roles could bring together would be empty talk."""
    assert any(one in meetings(pair) for size in (1, 2) for pair in combinations(Role, size))


@given(st.sets(st.sampled_from(Role)))
def test_what_is_given_together_holds_no_refused_pair(roles: set[Role]) -> None:
    """For every set of roles: refused and named, or free of every pair; warnings are told."""
    verbs = verbs_of(roles)
    refused = [one for one in REFUSED if {one.one, one.other} <= verbs]
    if refused:
        with pytest.raises(InputError) as told:
            check_separation(roles)
        assert len(told.value.problems) == len(refused)
    else:
        assert all(one.weight is Weight.WARNED for one in check_separation(roles))


@given(st.sets(st.sampled_from(Role), min_size=1), st.sets(st.sampled_from(sorted(BEHIND_GLASS)), min_size=1))
def test_a_broken_glass_brings_no_refused_pair_together(roles: set[Role], taken: set[Verb]) -> None:
    """An administrator who reads in an emergency gives no rights meanwhile; what was taken is had."""
    if any(one.weight is Weight.REFUSED for one in meetings(roles)):
        return
    verbs = with_glass_broken(verbs_of(roles), frozenset(taken))
    assert taken <= verbs <= verbs_of(roles) | taken
    assert not [one for one in REFUSED if one.meets(verbs)]


def test_behind_the_glass_is_only_reading() -> None:
    """Nothing is changed, let go or taken out in an emergency."""
    assert all(verb.value.endswith((".read", ".search", ".reveal")) for verb in BEHIND_GLASS)
    assert not BEHIND_GLASS & NOT_BY_KEY


def test_a_role_that_is_none_is_named() -> None:
    """All of them, each with its place."""
    with pytest.raises(InputError) as told:
        roles_of(["auditor", "root", "viewer", "god"])
    assert [one.path for one in told.value.problems] == ["roles.1", "roles.3"]
    assert roles_of(["auditor", "auditor"]) == (Role.AUDITOR,)


@given(scopes, scopes, names, names, names)
def test_two_scopes_together_show_what_both_show(
    one: Scope, other: Scope, tenant: str, channel: str, region: str
) -> None:
    """Never more, and never less."""

    def sees(scope: Scope) -> bool:
        return (
            (scope.tenants is None or tenant in scope.tenants)
            and (not scope.channels or channel in scope.channels)
            and (not scope.regions or region in scope.regions)
        )

    both = within(one, other)
    assert sees(both) == (sees(one) and sees(other))
    assert both == within(other, one)
    if contains(one, other) and sees(other):
        assert sees(one)


@given(scopes)
def test_a_scope_contains_itself_and_everything_contains_it(scope: Scope) -> None:
    """And only who sees everything contains everything."""
    assert contains(scope, scope)
    assert contains(Scope(), scope)
    assert contains(scope, Scope()) == (scope == Scope())
