"""What people do with what has not entered: mended, released, discarded, one or all of a cause, each with its event."""

import json

import pytest

from intake.shop import Shop, an_order, document
from ordertrail.intake.faults import Code, Fault
from ordertrail.intake.health import Standing, health_of
from ordertrail.intake.impact import Surroundings, rank
from ordertrail.intake.ports import Declared, Letter, Query, Verdict
from ordertrail.intake.repair import Fix, Repair
from ordertrail.intake.states import MessageState
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.money import Money
from ordertrail.record.event import Actor

CLERK = Actor("clerk-17", "person")
HELD = Verdict(holds=(Fault(Code.RULE, "/totals", "price deviates", "price-deviates"),))


@pytest.fixture
def repair(shop: Shop) -> Repair:
    """The shop's desk."""
    return Repair(shop.desk, shop.flow.reader.bodies, shop.clock)


def letters(shop: Shop, *states: str) -> list[Letter]:
    """Return the letters of some states."""
    return shop.desk.letters(Query(frozenset(map(MessageState, states or ("held", "dead")))))


def test_a_held_order_is_released_by_a_person(shop: Shop, repair: Repair) -> None:
    """The rule's hold is approved; who did it and why is on record, before the order enters."""
    shop.rules.says["1"] = HELD
    assert shop.take(an_order(1)) == {"held": 1}
    (letter,) = letters(shop)
    assert letter.cause == "rule price-deviates"
    assert repair.release(letter, CLERK, "customer's price list")
    assert not repair.release(letter, CLERK, "a second time")
    assert shop.work() == {"accepted": 1}
    event = next(one for one in shop.events() if one.action == "intake.replay")
    assert event.actor.id == "clerk-17"
    assert event.context is not None
    assert event.context.reason == "customer's price list"
    assert letters(shop) == []


def test_a_refused_move_is_made_where_somebody_approves_it(shop: Shop, repair: Repair) -> None:
    """A cancellation that needs approval waits for it, and is then the order's state."""
    shop.take(an_order(1, 1, "processing"))
    assert shop.take(an_order(1, 2, "cancelled")) == {"held": 1}
    assert repair.release(letters(shop)[0], CLERK, "buyer called")
    assert shop.work() == {"accepted": 1}
    kept = shop.order(1)
    assert kept is not None
    assert kept.status == "cancelled"


def test_a_fix_keeps_the_original(shop: Shop, repair: Repair) -> None:
    """What came stays as it came; the mended bytes stand beside it, and the event has the hashes of both."""
    broken = document(an_order(1)).replace(b'"order"', b'"ordr"')
    shop.send(broken)
    assert shop.work() == {"dead": 1}
    (letter,) = letters(shop)
    assert repair.replay(letter, CLERK, "a typing error", Fix(old=b'"ordr"', new=b'"order"'))
    assert shop.work() == {"accepted": 1}
    assert shop.order(1) == an_order(1)
    mended = shop.desk.letter(letter.delivery, letter.number)
    assert mended is not None
    assert repair.original(mended) == broken
    event = next(one for one in shop.events() if one.action == "intake.replay")
    assert {change.path for change in event.changes} == {"/state", "/sha256", "/fix"}
    assert [one.state for one in mended.attempts] == ["dead", "accepted"]


def test_what_could_not_be_read_at_all_is_mended_too(shop: Shop, repair: Repair) -> None:
    """A trailing comma: the delivery is read again, from where it could not be read."""
    shop.send(document(an_order(1), an_order(2)).replace(b"]}", b"],}"))
    assert shop.work() == {"dead": 1}
    (letter,) = letters(shop)
    assert (letter.whole, letter.cause) == (True, "unreadable")
    assert repair.replay(letter, CLERK, "trailing comma", Fix(old=b"],}", new=b"]}"))
    assert shop.work() == {"accepted": 2}
    assert letters(shop) == []


def test_one_fix_replays_a_hundred(shop: Shop, repair: Repair) -> None:
    """All letters of a cause: first a dry run that changes nothing, then all of them, or until it is ended."""
    for number in range(100):
        shop.send(document(an_order(number)).replace(b'"order"', b'"ordr"'))
    shop.send(b"{")
    assert shop.work() == {"dead": 101}
    cause = "missing /messages/*/order"
    assert shop.desk.causes(Query()) == [("shop/main", cause, 100), ("shop/main", "unreadable", 1)]
    fix, query = Fix(old=b'"ordr"', new=b'"order"'), Query(cause=cause)
    assert repair.replay_all(query, CLERK, "names", fix=fix, dry_run=True).fitting == 100
    assert len(letters(shop)) == 100 or len(shop.desk.letters(Query(limit=200))) == 101
    paces = iter([True] * 9 + [False])
    stopped = repair.replay_all(query, CLERK, "names", fix=fix, pause=lambda: next(paces))
    assert (stopped.done, stopped.cancelled) == (10, True)
    assert repair.replay_all(query, CLERK, "names", fix=fix).done == 90
    assert shop.work() == {"accepted": 100}
    assert shop.told().count("intake.replay") == 100


def test_what_is_discarded_is_kept_with_the_reason(shop: Shop, repair: Repair) -> None:
    """It never enters, and nobody can give it back."""
    shop.send(b"{")
    shop.work()
    (letter,) = letters(shop)
    with pytest.raises(InputError, match="reason"):
        repair.discard(letter, CLERK, " ")
    assert repair.discard(letter, CLERK, "a test of theirs")
    gone = shop.desk.letter(letter.delivery, letter.number)
    assert gone is not None
    with pytest.raises(InputError, match="discarded"):
        repair.replay(gone, CLERK, "after all")
    assert shop.told()[-1] == "intake.discard"


def test_letters_are_ranked_by_what_they_may_cost(shop: Shop) -> None:
    """The dear before the cheap, and each says why."""
    for number, cents in ((1, 500), (2, 500_000), (3, 20_000)):
        shop.rules.says[str(number)] = HELD
        shop.take(an_order(number, cents=cents))
    ranked = rank(letters(shop), Surroundings(shop.clock(), {("shop/main", "rule price-deviates"): 3}))
    assert [one.letter.order for one in ranked] == ["shop:main:2", "shop:main:3", "shop:main:1"]
    assert ranked[0].reasons[0] == "10000.00 EUR at stake"
    assert ranked[0].reasons[1] == "3 letters share its cause"


def test_a_source_is_live_quiet_or_failing(shop: Shop) -> None:
    """By its own usual rate, by what it sends that cannot enter, and by what it says that it sent."""
    for number in range(60):
        shop.send(document(an_order(number)))
        shop.clock.pass_by(minutes=10)
    shop.work()

    def health() -> Standing:
        now = shop.clock()
        return health_of("shop/main", shop.sources.figures("shop/main", now), now).standing

    assert health() is Standing.LIVE
    day = ("2026-11-22T00:00:00.000000Z", "2026-11-23T00:00:00.000000Z")
    shop.sources.declare("shop/main", Declared(*day, 60, Money(60 * 2_400, "EUR")))
    assert health() is Standing.LIVE
    shop.sources.declare("shop/main", Declared(*day, 61))
    assert health() is Standing.FAILING
    shop.sources.declare("shop/main", Declared(*day, 60))
    shop.clock.pass_by(hours=2)
    assert health() is Standing.QUIET
    for number in range(5):
        shop.send(json.dumps({"n": number}).encode())
    shop.work()
    assert health() is Standing.FAILING
