"""Guessing is slow, from anywhere, for everybody, and for names that nobody has."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.desk import HERE, PASSWORD, START, Desk
from ordertrail.access.entrance import Admitted
from ordertrail.access.roles import Role
from ordertrail.access.telling import Where
from ordertrail.access.throttle import FORGOTTEN, Bucket, Held, buckets, tried, wait_after
from ordertrail.testing.conformance.together import at_once


@given(st.integers(0, 60), st.integers(0, 10_000))
def test_waits_grow_to_their_bound(free: int, failures: int) -> None:
    """Nothing for the free tries; then never shorter than before, and never longer than the bound."""
    bucket = Bucket("a", free)
    wait = wait_after(bucket, failures)
    assert (wait > timedelta(0)) == (failures > free)
    assert wait <= wait_after(bucket, failures + 1) <= bucket.longest


@given(st.lists(st.integers(0, 3_000), max_size=60), st.integers(0, 5))
def test_in_any_rhythm_no_more_is_tried_than_the_waits_allow(pauses: list[int], free: int) -> None:
    """Whoever waits longer than they must gains nothing but time."""
    bucket, held, now = Bucket("a", free), None, START
    taken: list[Held] = []
    for pause in pauses:
        now += timedelta(seconds=pause)
        after = tried(bucket, held, now)
        if after is not None:
            taken.append(after)
            held = after
    for one, other in pairwise(taken):
        assert other.last >= one.until or other.last - one.last >= FORGOTTEN


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True), ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True), ("203.0.113.7", "203.0.113.8", False), (None, "nonsense", True),
    ],
)  # fmt: skip
def test_an_address_is_its_customers(one: str | None, other: str | None, same: bool) -> None:  # noqa: FBT001
    """Of IPv6 a customer has at least a /64, and could take another address for each try."""
    assert (buckets("ana", one).address == buckets("ana", other).address) == same


def test_the_store_holds_no_name_that_somebody_typed() -> None:
    """Who types the password where the name belongs leaves it nowhere."""
    desk = Desk()
    desk.access.entrance.sign_in("hunter2-is-my-password", "oops", HERE)
    assert "hunter2" not in repr(desk.stores)
    assert "hunter2" not in repr(desk.told)


@pytest.mark.parametrize("name", ["ana", "nobody"])
def test_a_name_that_nobody_has_waits_as_long_as_one_that_somebody_has(name: str) -> None:
    """Else a wait would tell who is here."""
    desk = Desk()
    desk.person("ana", Role.VIEWER)
    seen = []
    for _ in range(8):
        attempt = desk.access.entrance.sign_in(name, "wrong wrong wrong", HERE)
        seen.append((attempt.admitted, attempt.wait))
    assert seen == [(Admitted.REFUSED, 0)] * 4 + [(Admitted.WAIT, 2)] * 4


def test_even_the_right_password_waits() -> None:
    """A guess that is right is not told apart while it must wait."""
    desk = Desk()
    desk.person("ana", Role.VIEWER)
    for _ in range(4):
        desk.access.entrance.sign_in("ana", "wrong wrong wrong", HERE)
    assert desk.access.entrance.sign_in("ana", PASSWORD, HERE).admitted is Admitted.WAIT
    elsewhere = Where(ip="198.51.100.9")
    assert desk.access.entrance.sign_in("ana", PASSWORD, elsewhere).admitted is Admitted.IN
    assert desk.access.entrance.sign_in("ana", PASSWORD, HERE).admitted is Admitted.WAIT
    desk.wait(seconds=2)
    assert desk.access.entrance.sign_in("ana", PASSWORD, HERE).admitted is Admitted.IN
    for _ in range(4):
        assert desk.access.entrance.sign_in("ana", "wrong", HERE).admitted is Admitted.REFUSED


def test_many_names_from_one_address_wait() -> None:
    """Trying one password on everybody (spraying) is slow, and signing in to an account of one's own does not help."""
    desk = Desk()
    desk.person("mallory", Role.VIEWER)
    admitted = []
    for number in range(30):
        admitted.append(desk.access.entrance.sign_in(f"victim-{number}", "Winter-of-2026", HERE).admitted)
        if number % 5 == 0:
            desk.access.entrance.sign_in("mallory", PASSWORD, HERE)
    assert admitted.count(Admitted.REFUSED) <= 22
    assert admitted[-1] is Admitted.WAIT


def test_one_name_from_many_addresses_waits() -> None:
    """A botnet guesses no faster in the end; and a quarter of an hour is the longest that anybody is kept waiting."""
    desk = Desk()
    desk.person("ana", Role.VIEWER)
    admitted = [
        desk.access.entrance.sign_in("ana", "wrong", Where(ip=f"198.51.{number // 250}.{number % 250}"))
        for number in range(80)
    ]
    assert sum(one.admitted is Admitted.REFUSED for one in admitted) <= 52
    assert max(one.wait for one in admitted) <= 15 * 60 + 1
    desk.wait(minutes=15)
    assert desk.access.entrance.sign_in("ana", PASSWORD, HERE).admitted is Admitted.IN


def test_guesses_sent_together_are_counted_one_after_another() -> None:
    """Speed buys nothing."""
    desk = Desk()
    desk.person("ana", Role.VIEWER)
    told = at_once(*[lambda: desk.access.entrance.sign_in("ana", "wrong", HERE).admitted] * 16)
    assert sorted(map(str, told)) == ["refused"] * 4 + ["wait"] * 12


def test_waiting_is_not_told_again_and_again() -> None:
    """A flood of tries makes no flood of events: what is not looked at is not told."""
    desk = Desk()
    for _ in range(50):
        desk.access.entrance.sign_in("ana", "wrong", HERE)
    assert desk.actions() == [("access.signin.fail", "denied")] * 4
