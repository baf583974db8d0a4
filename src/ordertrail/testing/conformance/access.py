"""What the ports of :mod:`ordertrail.access.ports` that keep things promise."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ordertrail.access.account import Account, AccountState, Bound, Kind
from ordertrail.access.key import ApiKey, key_digest, new_key
from ordertrail.access.principal import Scope
from ordertrail.access.roles import Role
from ordertrail.access.secrets import digest, new_token
from ordertrail.access.service import Stores
from ordertrail.access.session import Glass, Session, Stage
from ordertrail.access.throttle import FORGOTTEN, Bucket
from ordertrail.access.ticket import Purpose, Ticket
from ordertrail.access.verbs import Verb
from ordertrail.testing.conformance.together import at_once

Reopen = Callable[[], Stores]

NOW = datetime(2026, 11, 23, 14, 0, 0, 123456, tzinfo=UTC)
HOUR = timedelta(hours=1)

ANA = Account(
    id="p-00000000000000a",
    name="ana.lima",
    title="Ana Lima",
    roles=(Role.AUDITOR, Role.EXPORTER),
    scope=Scope(frozenset({"acme", "bolt"}), frozenset({"web"}), frozenset({"eu"})),
    sees_identities=True,
    password=b"\x00sealed\xff",
    totp=b"also sealed",
    totp_step=58_000_000,
    bound=Bound("https://id.example.com", "248289761001"),
    created="2026-11-23T14:00:00.000000Z",
)
SHOP = Account(
    id="s-00000000000000b",
    name="shop",
    title="The shop",
    kind=Kind.SERVICE,
    roles=(Role.RECORDER,),
    created="2026-11-23T14:00:00.000000Z",
)


def a_session(account: str = ANA.id, created: datetime = NOW) -> Session:
    """Return a session that is new, with a broken glass."""
    glass = Glass(frozenset({Verb.EVENTS_SEARCH}), created + HOUR, "the shop is down, and orders go astray")
    return Session(digest(new_token()), "web-1", account, Stage.FULL, created, created, created + HOUR, glass)


def a_key(account: str = SHOP.id, created: datetime = NOW) -> ApiKey:
    """Return a key that is new."""
    name, text = new_key()
    scope = Scope(frozenset({"acme"}), frozenset({"web"}))
    verbs = frozenset({Verb.EVENTS_RECORD, Verb.STATUS_READ})
    return ApiKey(name, account, "nightly", key_digest(text), verbs, scope, created, created + HOUR)


def a_ticket(secret: str, purpose: Purpose = Purpose.RECOVERY, account: str | None = ANA.id) -> Ticket:
    """Return a ticket that is good for an hour."""
    return Ticket(digest(secret), purpose, account, NOW + HOUR, '{"target":"/"}')


class _Suite:
    @pytest.fixture
    def reopen(self) -> Reopen:
        """Open the stores once more."""
        raise NotImplementedError("the suites of access need a fixture 'reopen'")

    @pytest.fixture
    def stores(self, reopen: Reopen) -> Stores:
        """The stores under test."""
        return reopen()


class AccountsSuite(_Suite):
    """Give ``reopen``, stores that hold nothing yet."""

    def test_an_account_is_kept_whole(self, stores: Stores, reopen: Reopen) -> None:
        """Whoever opens the store later finds every field of it, by each of its names."""
        assert stores.accounts.put(ANA)
        assert stores.accounts.put(SHOP)
        kept = reopen().accounts
        assert ANA.bound is not None
        assert kept.get(ANA.id) == kept.named(ANA.name) == kept.bound(ANA.bound) == ANA
        assert list(kept.every()) == [ANA, SHOP]

    def test_what_is_not_there_is_nothing(self, stores: Stores) -> None:
        """None, by any name; a name is no id, and a subject of another issuer nobody."""
        assert stores.accounts.put(ANA)
        assert ANA.bound is not None
        assert stores.accounts.get(ANA.name) is None
        assert stores.accounts.named(ANA.id) is None
        assert stores.accounts.bound(replace(ANA.bound, issuer="https://id.example.com/")) is None

    def test_names_and_bounds_are_unique(self, stores: Stores) -> None:
        """A second account of a name, or of a person of another house, is refused and changes nothing."""
        assert stores.accounts.put(ANA)
        assert not stores.accounts.put(replace(SHOP, name=ANA.name))
        assert not stores.accounts.put(replace(SHOP, bound=ANA.bound))
        assert stores.accounts.put(SHOP)
        assert not stores.accounts.put(replace(SHOP, name=ANA.name).changed())
        assert stores.accounts.get(SHOP.id) == SHOP

    def test_a_change_names_what_it_changes(self, stores: Stores) -> None:
        """Only the next version is taken; the one that lost the race is refused."""
        assert stores.accounts.put(ANA)
        mine = replace(ANA, state=AccountState.WITHDRAWN).changed()
        theirs = replace(ANA, roles=()).changed()
        assert stores.accounts.put(mine)
        assert not stores.accounts.put(theirs)
        assert not stores.accounts.put(ANA)
        assert not stores.accounts.put(replace(ANA, version=7))
        assert stores.accounts.get(ANA.id) == mine

    def test_of_many_changes_at_once_one_is_made(self, stores: Stores, reopen: Reopen) -> None:
        """The others are told."""
        assert stores.accounts.put(ANA)
        changed = [replace(ANA, title=f"Ana {number}").changed() for number in range(6)]
        opened = [reopen().accounts for _ in changed]
        done = at_once(*(lambda one=one, at=at: at.put(one) for one, at in zip(changed, opened, strict=True)))
        assert sorted(map(bool, done)) == [False] * 5 + [True]
        assert stores.accounts.get(ANA.id) == changed[done.index(True)]


class SessionsSuite(_Suite):
    """Give ``reopen``, stores that hold nothing yet."""

    def test_a_session_is_kept_whole_and_replaced_at_once(self, stores: Stores, reopen: Reopen) -> None:
        """The new token is good, and the old one is not, from the same moment on."""
        first, second = a_session(), a_session(created=NOW + HOUR)
        stores.sessions.add(first)
        assert reopen().sessions.get(first.digest) == first
        stores.sessions.add(second, first.digest)
        assert reopen().sessions.get(first.digest) is None
        assert list(reopen().sessions.of(ANA.id)) == [second]

    def test_touching_never_brings_back(self, stores: Stores) -> None:
        """A request that was on its way when somebody signed out leaves nothing behind."""
        session = a_session()
        stores.sessions.add(session)
        stores.sessions.touch(session.digest, NOW + 2 * HOUR)
        touched = stores.sessions.get(session.digest)
        assert touched == replace(session, seen=NOW + 2 * HOUR)
        stores.sessions.drop(session.digest)
        stores.sessions.touch(session.digest, NOW + 3 * HOUR)
        assert stores.sessions.get(session.digest) is None

    def test_only_what_is_named_is_dropped(self, stores: Stores) -> None:
        """Nobody is signed out with somebody else."""
        mine, other, theirs = a_session(), a_session(), a_session("p-other")
        for one in (mine, other, theirs):
            stores.sessions.add(one)
        stores.sessions.drop()
        stores.sessions.drop(mine.digest, "no such session")
        assert list(stores.sessions.of(ANA.id)) == [other]
        assert list(stores.sessions.of("p-other")) == [theirs]


class ApiKeysSuite(_Suite):
    """Give ``reopen``, stores that hold nothing yet."""

    def test_a_key_is_kept_whole(self, stores: Stores, reopen: Reopen) -> None:
        """With its hash, its verbs and its scope; by its account, and among all."""
        first, second = a_key(), a_key(ANA.id, NOW + HOUR)
        stores.keys.add(second)
        stores.keys.add(first)
        kept = reopen().keys
        assert kept.get(first.id) == first
        assert list(kept.of(SHOP.id)) == [first]
        assert list(kept.of(None)) == [first, second]
        assert kept.get("000000000000") is None

    def test_a_key_is_withdrawn_once_and_for_good(self, stores: Stores, reopen: Reopen) -> None:
        """The first withdrawal says when; a use does not bring it back."""
        key = a_key()
        stores.keys.add(key)
        stores.keys.used(key.id, NOW + HOUR)
        assert stores.keys.withdraw(key.id, NOW + 2 * HOUR)
        assert not stores.keys.withdraw(key.id, NOW + 3 * HOUR)
        assert not stores.keys.withdraw("000000000000", NOW)
        stores.keys.used(key.id, NOW + 4 * HOUR)
        assert reopen().keys.get(key.id) == replace(key, used=NOW + 4 * HOUR, withdrawn=NOW + 2 * HOUR)


class TicketsSuite(_Suite):
    """Give ``reopen``, stores that hold nothing yet."""

    def test_a_ticket_is_good_once_for_what_it_was_made(self, stores: Stores, reopen: Reopen) -> None:
        """For another purpose it is none, and it stays; taken, it is gone."""
        ticket = a_ticket("one")
        stores.tickets.add([ticket])
        assert reopen().tickets.take(ticket.digest, Purpose.PASSWORD, NOW) is None
        assert reopen().tickets.take(ticket.digest, Purpose.RECOVERY, NOW) == ticket
        assert stores.tickets.take(ticket.digest, Purpose.RECOVERY, NOW) is None

    def test_a_ticket_that_ended_is_none(self, stores: Stores) -> None:
        """At its end, and after it; sweeping forgets it, and no other."""
        stores.tickets.add([a_ticket("one"), replace(a_ticket("two"), ends=NOW + 2 * HOUR)])
        assert stores.tickets.take(a_ticket("one").digest, Purpose.RECOVERY, NOW + HOUR) is None
        stores.tickets.sweep(NOW + HOUR)
        assert stores.tickets.left(ANA.id, Purpose.RECOVERY, NOW) == 1

    def test_an_accounts_tickets_are_counted_and_dropped_by_purpose(self, stores: Stores) -> None:
        """Those of others, and of other purposes, stay."""
        own = [a_ticket(f"own {number}") for number in range(3)]
        stores.tickets.add(
            [*own, a_ticket("invited", Purpose.PASSWORD), a_ticket("theirs", account="p-other")]
        )
        stores.tickets.add([a_ticket("journey", Purpose.JOURNEY, None)])
        stores.tickets.add([])
        assert stores.tickets.left(ANA.id, Purpose.RECOVERY, NOW) == 3
        stores.tickets.drop(ANA.id, Purpose.RECOVERY)
        assert stores.tickets.left(ANA.id, Purpose.RECOVERY, NOW) == 0
        assert stores.tickets.left(ANA.id, Purpose.PASSWORD, NOW) == 1
        assert stores.tickets.left("p-other", Purpose.RECOVERY, NOW) == 1
        assert stores.tickets.take(digest("journey"), Purpose.JOURNEY, NOW) is not None

    def test_of_many_who_take_it_at_once_one_has_it(self, stores: Stores, reopen: Reopen) -> None:
        """A recovery code is not two."""
        ticket = a_ticket("one")
        stores.tickets.add([ticket])
        opened = [reopen().tickets for _ in range(6)]
        taken = at_once(*(lambda at=at: at.take(ticket.digest, Purpose.RECOVERY, NOW) for at in opened))
        assert [one for one in taken if one is not None] == [ticket]


class AttemptsSuite(_Suite):
    """Give ``reopen``, stores that hold nothing yet."""

    def test_after_the_free_tries_each_waits_longer(self, stores: Stores, reopen: Reopen) -> None:
        """1, 2, 4 seconds; a try that must wait is not counted, and the counts outlive the process."""
        bucket = Bucket("a", 2)
        assert [stores.attempts.begin([bucket], NOW) for _ in range(3)] == [None] * 3
        attempts = reopen().attempts
        assert attempts.begin([bucket], NOW) == NOW + timedelta(seconds=1)
        assert attempts.begin([bucket], NOW) == NOW + timedelta(seconds=1)
        later = NOW + timedelta(seconds=1)
        assert attempts.begin([bucket], later) is None
        assert attempts.begin([bucket], later) == later + timedelta(seconds=2)

    def test_where_one_bucket_must_wait_none_is_counted(self, stores: Stores) -> None:
        """And the longest wait is told."""
        full, free = Bucket("full", 0, timedelta(hours=2)), Bucket("free", 1)
        assert stores.attempts.begin([full], NOW) is None
        for _ in range(4):
            assert stores.attempts.begin([full, free], NOW) == NOW + timedelta(seconds=1)
        assert [stores.attempts.begin([free], NOW) for _ in range(2)] == [None, None]
        assert stores.attempts.begin([free], NOW) is not None

    def test_success_clears_some_and_gives_one_try_of_others_back(self, stores: Stores) -> None:
        """Who signs in is not held up by earlier mistakes; who has an account cannot wipe out their guesses."""
        own, shared = Bucket("own", 1), Bucket("shared", 3)
        for _ in range(2):
            assert stores.attempts.begin([own, shared], NOW) is None
        stores.attempts.succeeded([own], [shared])
        assert stores.attempts.begin([own, shared], NOW) is None
        assert stores.attempts.begin([own, shared], NOW) is None
        stores.attempts.succeeded([own], [])
        assert stores.attempts.begin([own, shared], NOW) is None
        assert stores.attempts.begin([Bucket("other", 9), shared], NOW) == NOW + timedelta(seconds=1)
        stores.attempts.succeeded([], [Bucket("never seen", 1)])

    def test_a_day_of_quiet_forgets(self, stores: Stores) -> None:
        """And sweeping forgets what is older."""
        bucket = Bucket("a", 1)
        for _ in range(2):
            assert stores.attempts.begin([bucket], NOW) is None
        assert stores.attempts.begin([bucket], NOW) is not None
        assert [stores.attempts.begin([bucket], NOW + FORGOTTEN) for _ in range(2)] == [None, None]
        stores.attempts.sweep(NOW + 2 * FORGOTTEN)
        assert stores.attempts.begin([bucket], NOW + FORGOTTEN) is None

    def test_many_at_once_are_counted_one_after_another(self, reopen: Reopen) -> None:
        """A thousand guesses sent together are no cheaper than one after another."""
        bucket, other = Bucket("a", 3), Bucket("b", 9)
        opened = [reopen().attempts for _ in range(8)]
        pairs = [([bucket, other], [other, bucket])[number % 2] for number in range(8)]
        told = at_once(
            *(lambda at=at, pair=pair: at.begin(pair, NOW) for at, pair in zip(opened, pairs, strict=True))
        )
        assert sum(one is None for one in told) == bucket.free + 1
        assert {one for one in told if one is not None} == {NOW + timedelta(seconds=1)}
