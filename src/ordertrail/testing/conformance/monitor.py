"""What the ports of watching promise: a step is kept whole or not at all, and an alert is changed by who knows it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import msgspec
import pytest

from ordertrail.kernel.clock import format_time, utc_now
from ordertrail.monitor.alerts.alert import Alert, Deed, Disposition, Status, Transition
from ordertrail.monitor.alerts.lifecycle import close, escalate, take
from ordertrail.monitor.ports import AlertQuery, AlertStore, Committed, Lives, Standing, Step, WatchStore
from ordertrail.monitor.rules.rule import Control, Level
from ordertrail.monitor.stream.seen import Item, Kept, Onward, Seen
from ordertrail.testing.conformance.together import at_once

NOW = "2026-11-23T12:00:00.000000Z"
_TIME = 1_795_392_000_000_000


class MonitorStore(WatchStore, AlertStore, Lives, Protocol):
    """All ports of one database."""


def seen(number: int, *, person: bool = True, order: str | None = "SO-1") -> Seen:
    """Return a sample event."""
    return Seen(
        _TIME + number,
        f"01935f6e-9c1a-7cc2-b0a5-{number:012x}",
        "default",
        number,
        "order.cancel",
        f"clerk-{number}" if person else "shop",
        person,
        order,
        "north" if number % 2 else None,
        ("m-1",),
        (("EUR", 500),),
    )


def alert(number: int, severity: Level = Level.MEDIUM) -> Alert:
    """Return a sample alert, just raised."""
    return Alert(
        id=f"A-{number:016x}",
        version=1,
        rule="6f1a1b5e-0f4b-4d0e-9a51-6f7264657274",
        name="many",
        title="Many",
        asked="an event",
        key=("clerk-1", "SO-1"),
        bucket=0,
        status=Status.NEW,
        level=Level.MEDIUM,
        control=Control.PRICING,
        severity=severity,
        raised=NOW,
        due=NOW,
        evidence=(seen(number),),
        measure=1,
        doers=(f"clerk-{number}",),
        tenant="north" if number % 2 else None,
    )


def raised(one: Alert) -> Transition:
    """Return how a sample alert was raised."""
    return Transition(alert=one, deed=Deed.RAISE, at=NOW)


ITEM = Item(seen(1), 1, "ä", 5, (Onward(("a", "b"), None, 3, (None,)), None))


class MonitorStoreSuite:
    """Holds for :class:`WatchStore`, :class:`AlertStore` and :class:`Lives` of one database."""

    @pytest.fixture
    def reopen(self) -> Callable[[], MonitorStore]:
        """Return what opens the same store, empty at first, once more."""
        raise NotImplementedError("a suite needs a fixture 'reopen'")

    @pytest.fixture
    def store(self, reopen: Callable[[], MonitorStore]) -> MonitorStore:
        """Return the store with two alerts, of which one is high, and an item."""
        store = reopen()
        alerts = [(alert(1), 0), (alert(2, Level.HIGH), 0)]
        step = Step(
            store.standing(),
            Standing({"default": 10}, 500, 1, 2),
            [Kept("v1", ("a", "ö"), ITEM)],
            {},
            alerts,
            [raised(one) for one, _ in alerts],
        )
        assert store.commit(step) is Committed.DONE
        return store

    def test_what_is_kept_is_there_again(
        self, store: MonitorStore, reopen: Callable[[], MonitorStore]
    ) -> None:
        """Place, items, alerts and transitions come back as they were, to the last letter."""
        again = reopen()
        assert again.standing() == Standing({"default": 10}, 500, 1, 2)
        assert list(again.kept()) == [Kept("v1", ("a", "ö"), ITEM)]
        assert again.get(["A-0000000000000001", "A-none"]) == {"A-0000000000000001": alert(1)}
        assert again.untold(10) == [raised(alert(1)), raised(alert(2, Level.HIGH))]
        assert store.untold(1) == [raised(alert(1))]

    def test_a_step_from_elsewhere_keeps_nothing(self, store: MonitorStore) -> None:
        """A watch that is behind is told, and neither its items nor its alerts are kept."""
        old = Step(Standing({}), Standing({"default": 3}), [Kept("v2", ("x",), ITEM)], {}, [(alert(3), 0)])
        assert store.commit(old) is Committed.MOVED
        assert store.standing().places == {"default": 10}
        assert [one.rule for one in store.kept()] == ["v1"]
        assert store.get(["A-0000000000000003"]) == {}

    def test_a_step_over_a_changed_alert_keeps_nothing(self, store: MonitorStore) -> None:
        """Where somebody took one of the alerts meanwhile, the watch looks again; no other alert is kept either."""
        assert store.change(take(alert(1), "auditor", NOW))
        grown = msgspec.structs.replace(alert(1), version=2, measure=7)
        before = store.standing()
        step = Step(before, replace(before, places={"default": 11}), (), {}, [(alert(3), 0), (grown, 1)])
        assert store.commit(step) is Committed.CHANGED
        assert store.standing() == before
        assert store.get(["A-0000000000000003"]) == {}
        assert store.get(["A-0000000000000001"])["A-0000000000000001"].owner == "auditor"

    def test_of_two_watches_one_goes_on(
        self, store: MonitorStore, reopen: Callable[[], MonitorStore]
    ) -> None:
        """Two that commit the same stretch at once: one is done, the other is told."""
        other, before = reopen(), store.standing()
        step = Step(before, replace(before, places={"default": 20}, watermark=900))
        told = at_once(lambda: store.commit(step), lambda: other.commit(step))
        assert set(told) == {Committed.DONE, Committed.MOVED}

    def test_of_two_people_one_decides(self, store: MonitorStore, reopen: Callable[[], MonitorStore]) -> None:
        """Two that change an alert of one version at once: one does."""
        other = reopen()
        told = at_once(
            lambda: store.change(take(alert(1), "auditor", NOW)),
            lambda: other.change(take(alert(1), "other", NOW)),
        )
        assert set(told) == {False, True}
        assert len(store.untold(10)) == 3

    def test_items_behind_the_horizon_go(self, store: MonitorStore) -> None:
        """What no window needs any more is dropped, of that correlation alone; twice the same item is once."""
        before = store.standing()
        late = Kept("v2", ("a",), ITEM)
        step = Step(before, replace(before, watermark=600), [late, late], {"v1": _TIME + 2})
        assert store.commit(step) is Committed.DONE
        assert list(store.kept()) == [late]
        store.forget(["v1"])
        assert list(store.kept()) == []

    def test_what_is_told_is_not_told_again(self, store: MonitorStore) -> None:
        """A transition stays until it is told, and no longer."""
        store.tell(store.untold(1))
        assert store.untold(10) == [raised(alert(2, Level.HIGH))]

    def test_alerts_are_found_by_what_is_asked(self, store: MonitorStore) -> None:
        """The gravest first; by status, severity, rule, person, order, owner, tenant and time."""
        one, two = "A-0000000000000001", "A-0000000000000002"

        def found(**query: object) -> list[str]:
            return [alert.id for alert in store.find(AlertQuery(**query))]  # type: ignore[arg-type]

        assert found() == [two, one]
        assert found(limit=1) == [two]
        assert found(least=Level.HIGH) == [two]
        assert found(rule="many") == [two, one]
        assert found(rule="other") == []
        assert found(person="clerk-1") == [one]
        assert found(order="SO-1") == [two, one]
        assert found(order="SO-2") == []
        assert found(tenants=frozenset({"north"})) == [one]
        assert found(tenants=frozenset()) == []
        assert found(since=_TIME + 2) == [two]
        assert found(statuses=frozenset({Status.CLOSED})) == []
        assert store.change(take(alert(1), "auditor", NOW))
        assert found(statuses=frozenset({Status.IN_REVIEW})) == [one]
        assert found(owner="auditor") == [one]

    def test_a_life_is_kept_step_by_step(self, store: MonitorStore) -> None:
        """Taken, escalated, closed by two: each version is kept once, and each transition is there to be told."""
        now = format_time(utc_now())
        one = alert(2, Level.HIGH)
        steps: tuple[Callable[[Alert], Transition], ...] = (
            lambda alert: take(alert, "auditor", now),
            lambda alert: escalate(alert, "auditor", now, "beyond me", "chief"),
            lambda alert: close(alert, "chief", now, Disposition.CONFIRMED, "it was"),
            lambda alert: close(alert, "auditor", now, Disposition.CONFIRMED, "agreed"),
        )
        for step in steps:
            transition = step(one)
            assert store.change(transition)
            assert not store.change(transition)
            one = transition.alert
        kept = store.get([one.id])[one.id]
        assert kept == one
        assert (kept.status, kept.closed_by, kept.version) == (Status.CLOSED, ("chief", "auditor"), 5)
        assert len(store.untold(10)) == 6
        store.tell(store.untold(10))
        life = store.life(one.id)
        assert [step.deed for step in life] == [
            Deed.RAISE,
            Deed.TAKE,
            Deed.ESCALATE,
            Deed.PROPOSE,
            Deed.CLOSE,
        ]
        assert life[-1].alert == one
        assert store.life("A-none") == []
