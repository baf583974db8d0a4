"""Coming in and going out: tokens are new whenever what they allow changes, and end when they must."""

import statistics
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.desk import HERE, PASSWORD, START, Desk
from ordertrail.access.account import fold_name
from ordertrail.access.administration import Wanted
from ordertrail.access.entrance import Admitted
from ordertrail.access.passwords import Cost, Hasher
from ordertrail.access.principal import Scope
from ordertrail.access.roles import Role
from ordertrail.access.rules import Rules
from ordertrail.access.secrets import digest
from ordertrail.access.service import local_principal
from ordertrail.access.session import Session, Stage
from ordertrail.access.telling import Where
from ordertrail.access.throttle import FORGOTTEN
from ordertrail.access.ticket import Purpose
from ordertrail.kernel.errors import ConfigurationError, InputError, UnavailableError


def test_who_knows_the_password_comes_in_and_the_trail_knows() -> None:
    """With who, from where, and in which session; and no secret of any of it."""
    desk = Desk()
    ana = desk.person("ana", Role.AUDITOR)
    desk.told.clear()
    token = desk.token("  ANA ")
    found = desk.session(token)
    assert found.who is not None
    assert found.who.id == ana.id
    (event,) = desk.told
    assert (event.action, event.outcome, event.actor.id) == ("access.signin", "success", ana.id)
    assert event.actor.session == found.session.name
    assert event.context is not None
    assert event.context.ip == "203.0.113.7"
    for secret in (token, digest(token), PASSWORD, "ana"):
        assert secret not in str(event)


@pytest.mark.parametrize(
    ("name", "password"),
    [("ana", "wrong"), ("nobody", PASSWORD), ("", ""), ("withdrawn", PASSWORD), ("shop", PASSWORD),
     ("ana", PASSWORD + "x" * 300)],
)  # fmt: skip
def test_whoever_may_not_is_told_the_same(name: str, password: str) -> None:
    """A wrong password, a name that nobody has, an account that was withdrawn, one without a password."""
    desk = Desk()
    desk.person("ana", Role.VIEWER)
    desk.person("withdrawn", Role.VIEWER)
    desk.access.people.withdraw(local_principal(), "withdrawn", HERE, "left the house")
    desk.service("shop", Role.RECORDER)
    desk.told.clear()
    attempt = desk.access.entrance.sign_in(name, password, HERE)
    assert attempt == replace(attempt, admitted=Admitted.REFUSED, token=None, wait=0)
    (event,) = desk.told
    assert (event.action, event.outcome) == ("access.signin.fail", "denied")
    assert event.actor.id == "unknown" or desk.stores.accounts.get(event.actor.id) is not None


def test_refusing_takes_the_same_work_whoever_is_named() -> None:
    """Time does not tell who has an account: the medians of the work of many tries differ by less than a quarter."""
    desk = Desk(hasher=Hasher(Cost(1, 1, 4096)))
    desk.person("ana", Role.VIEWER)
    desk.service("shop", Role.RECORDER)
    taken: dict[str, list[float]] = {"ana": [], "nobody": [], "shop": []}
    for number in range(40):
        for name, times in taken.items():
            desk.stores.attempts.sweep(desk.now + 2 * FORGOTTEN)
            began = time.thread_time()
            desk.access.entrance.sign_in(name, f"a wrong one {number}", HERE)
            times.append(time.thread_time() - began)
    medians = sorted(statistics.median(times) for times in taken.values())
    assert medians[-1] / medians[0] < 1.25


def test_nobody_is_let_in_unrecorded() -> None:
    """Where the trail's door takes nothing, nobody comes in, and no session is left behind."""
    desk = Desk()
    desk.person("ana", Role.VIEWER)
    desk.broken = True
    with pytest.raises(UnavailableError):
        desk.access.entrance.sign_in("ana", PASSWORD, HERE)
    account = desk.stores.accounts.named("ana")
    assert account is not None
    assert not desk.stores.sessions.of(account.id)


def test_signing_in_ends_what_the_browser_came_with() -> None:
    """A token that was planted is good for nothing afterwards (session fixation), nor is one's own old one."""
    desk = Desk()
    desk.person("ana", Role.VIEWER)
    desk.person("mallory", Role.VIEWER)
    planted = desk.token("mallory")
    attempt = desk.access.entrance.sign_in("ana", PASSWORD, HERE, planted)
    assert attempt.token not in {None, planted}
    assert desk.known(planted) is None
    found = desk.session(attempt.token)
    assert found.account.name == "ana"


def test_a_session_ends_when_idle_and_when_it_is_old() -> None:
    """However busy it was; a request in time keeps it."""
    desk = Desk(rules=Rules(idle=timedelta(minutes=30), longest=timedelta(hours=12)))
    desk.person("ana", Role.VIEWER)
    token = desk.token("ana")
    for _ in range(24):
        desk.wait(minutes=29, seconds=59)
        if desk.known(token) is None:
            break
    assert desk.now - START < timedelta(hours=12)
    desk.wait(minutes=29)
    assert desk.known(token) is None
    other = desk.token("ana")
    desk.wait(minutes=30)
    assert desk.known(other) is None
    assert digest(other) not in {one.digest for one in desk.stores.sessions.of(desk.who("ana").id)}


@given(st.integers(-10_000, 100_000), st.integers(-10_000, 100_000), st.sampled_from(Stage))
def test_no_session_outlives_its_bounds(seen: int, now: int, stage: Stage) -> None:
    """Whatever the clocks of several machines say."""
    rules = Rules()
    session = Session("d", "web-1", "p", stage, START, START, START + timedelta(seconds=seen))
    moment = START + timedelta(seconds=now)
    if session.alive(moment, rules):
        assert moment < START + rules.longest
        assert stage is not Stage.FULL or moment < session.seen + rules.idle
        assert stage is Stage.FULL or moment < START + rules.unfinished
        assert moment >= START - rules.skew


def test_signing_out_ends_this_session_or_all() -> None:
    """And never anybody else's."""
    desk = Desk()
    desk.person("ana", Role.VIEWER)
    desk.person("bob", Role.VIEWER)
    mine, other, third, theirs = desk.token("ana"), desk.token("ana"), desk.token("ana"), desk.token("bob")
    found = desk.session(mine)
    assert desk.access.entrance.sign_out(found.session, found.account, HERE) == 1
    assert desk.known(mine) is None
    found = desk.session(other)
    assert desk.access.entrance.sign_out(found.session, found.account, HERE, everywhere=True) == 2
    assert desk.known(other) is None
    assert desk.known(third) is None
    assert desk.known(theirs) is not None


@given(st.text(max_size=60))
def test_made_up_tokens_are_nobodys(token: str) -> None:
    """Any text, the hash of a real token among them."""
    desk = _DESK
    assert desk.known(token) is None


_DESK = Desk()


def test_a_thief_of_the_store_signs_nobody_in() -> None:
    """Hashes are no tokens; passwords and factors are sealed under a key that stands elsewhere."""
    desk = Desk()
    desk.person("ana", Role.AUDITOR)
    token = desk.token("ana")
    kept = desk.stores.sessions.of(desk.who("ana").id)
    assert all(desk.known(one.digest) is None for one in kept)
    account = desk.stores.accounts.named("ana")
    assert account is not None
    assert account.password is not None
    assert b"argon2" not in account.password
    thief = Desk(stores=desk.stores)
    with pytest.raises(ConfigurationError):
        thief.access.entrance.sign_in("ana", PASSWORD, HERE)
    mallory = desk.person("mallory", Role.VIEWER)
    moved = replace(account, password=mallory.password).changed()
    assert desk.stores.accounts.put(moved)
    with pytest.raises(ConfigurationError):
        desk.access.entrance.sign_in("ana", PASSWORD, HERE)
    assert desk.known(token) is not None


def test_a_password_kept_at_an_old_cost_is_kept_anew() -> None:
    """At the next signing in, and it stays right."""
    old = Desk(hasher=Hasher(Cost(1, 1, 32)))
    old.person("ana", Role.VIEWER)
    new = Desk(stores=old.stores, key=old.key)
    before = new.stores.accounts.named("ana")
    new.token("ana")
    after = new.stores.accounts.named("ana")
    assert before is not None
    assert after is not None
    assert before.password != after.password
    new.token("ana")
    assert new.stores.accounts.named("ana") == after


@given(st.text(min_size=1, max_size=30))
def test_a_name_has_one_spelling(name: str) -> None:
    """To fold twice is to fold once, and case does not matter."""
    assert fold_name(fold_name(name)) == fold_name(name)
    assert fold_name(name.upper()) == fold_name(name.upper().lower())


def test_an_invitation_is_good_once_and_for_a_time() -> None:
    """A password that will not do leaves it as it was; a newer invitation ends it; a used one is none."""
    desk = Desk()
    desk.access.people.add(local_principal(), "eve", "Eve", Wanted((Role.VIEWER,), Scope()), HERE)
    stale, _ = desk.access.people.invite(local_principal(), "eve", HERE)
    token, ends = desk.access.people.invite(local_principal(), "eve", HERE)
    assert ends == START + desk.rules.invitation
    for text in (stale, "made up", ""):
        with pytest.raises(InputError, match="not good any more"):
            desk.access.people.accept(text, PASSWORD, HERE)
    with pytest.raises(InputError, match="at least 12"):
        desk.access.people.accept(token, "short", HERE)
    desk.access.people.accept(token, PASSWORD, HERE)
    assert desk.token("eve")
    with pytest.raises(InputError):
        desk.access.people.accept(token, PASSWORD, HERE)
    late, _ = desk.access.people.invite(local_principal(), "eve", HERE)
    desk.wait(days=2)
    with pytest.raises(InputError):
        desk.access.people.accept(late, PASSWORD, HERE)


def test_a_new_password_signs_everybody_out() -> None:
    """Whoever had stolen the old one is out."""
    desk = Desk()
    desk.person("ana", Role.VIEWER)
    stolen = desk.token("ana")
    account = desk.stores.accounts.named("ana")
    assert account is not None
    desk.access.people.set_password(account, account, "seven green umbrellas hum", HERE)
    assert desk.known(stolen) is None
    assert desk.access.entrance.sign_in("ana", PASSWORD, HERE).admitted is Admitted.REFUSED
    assert desk.token("ana", "seven green umbrellas hum")


def test_proving_again_makes_a_new_token_of_the_same_session() -> None:
    """Events go on under its name, and its end does not move."""
    desk = Desk()
    desk.person("ana", Role.VIEWER)
    token = desk.token("ana")
    before = desk.session(token)
    desk.wait(minutes=20)
    wrong = desk.access.entrance.prove_again(before.session, before.account, "wrong", HERE)
    assert wrong.admitted is Admitted.REFUSED
    right = desk.access.entrance.prove_again(before.session, before.account, PASSWORD, Where())
    after = desk.session(right.token)
    assert desk.known(token) is None
    assert (after.session.name, after.session.created) == (before.session.name, before.session.created)
    assert after.session.proven == desk.now


def test_what_ended_is_forgotten() -> None:
    """Sessions that ended, invitations that were not used, and tries of yesterday go when somebody comes in."""
    desk = Desk()
    ana = desk.person("ana", Role.VIEWER)
    desk.person("bob", Role.VIEWER)
    for _ in range(3):
        desk.token("ana")
    bob = desk.token("bob")
    desk.access.people.invite(local_principal(), "bob", HERE)
    desk.access.entrance.sign_in("nobody", "wrong", HERE)
    desk.wait(days=3)
    token = desk.token("ana")
    assert [one.digest for one in desk.stores.sessions.of(ana.id)] == [digest(token)]
    assert len(repr(desk.stores.attempts).split("Held(")) == 2, "the address alone was tried today"
    assert desk.stores.tickets.left(desk.session(token).account.id, Purpose.PASSWORD, START) == 0
    account = desk.stores.accounts.named("bob")
    assert account is not None
    assert desk.stores.tickets.left(account.id, Purpose.PASSWORD, START) == 0
    assert desk.known(bob) is None
