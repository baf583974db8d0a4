"""What facts come to: of one payment, and of many. Whole minor units, each currency by itself.

Each fact counts once, however often it was told. Of a payment counts what its single facts add up to, or the largest
total that its provider stated, whichever is more: a provider that tells both tells the same money twice. What failed
afterwards (:attr:`~ordertrail.correlate.facts.FactKind.CAPTURE_FAILED`, ``REFUND_FAILED``) takes out the very fact that
it names; one that names none that is known takes out nothing, because what never counted cannot be taken back.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ordertrail.correlate.facts import Fact, FactKey, FactKind, Thing


@dataclass(frozen=True, slots=True)
class Sums:
    """What happened to money, in minor units of one currency."""

    authorised: int = 0
    captured: int = 0
    refunded: int = 0
    disputed: int = 0
    """Asked back by banks, and not won back by us."""

    @property
    def kept(self) -> int:
        """What was taken and not given back; what is disputed is still in it."""
        return self.captured - self.refunded

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.authorised + other.authorised,
            self.captured + other.captured,
            self.refunded + other.refunded,
            self.disputed + other.disputed,
        )


NOTHING = Sums()


def once(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """Return each fact once, by its time: of one told twice, what was told of the earlier time."""
    known: dict[FactKey, Fact] = {}
    for fact in facts:
        before = known.get(fact.key)
        if before is None or (fact.time, fact.code) < (before.time, before.code):
            known[fact.key] = fact
    return tuple(sorted(known.values(), key=lambda fact: (fact.time, fact.kind, fact.id)))


def sums_of(facts: Iterable[Fact]) -> Mapping[str, Sums]:
    """Return what facts come to, by currency."""
    payments: dict[tuple[Thing, str], list[Fact]] = defaultdict(list)
    for fact in once(facts):
        if fact.amount is not None and not fact.kind.of_parcel:
            payments[fact.about, fact.amount.currency].append(fact)
    sums: dict[str, Sums] = {}
    for (_, currency), own in payments.items():
        sums[currency] = sums.get(currency, NOTHING) + _of_payment(own)
    return sums


def taken(facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """Return the single captures that stand: none of them failed afterwards. Totals are not among them."""
    return tuple(_standing(facts, FactKind.CAPTURED, FactKind.CAPTURE_FAILED))


def _of_payment(facts: Sequence[Fact]) -> Sums:
    return Sums(
        authorised=_come_to(facts, FactKind.AUTHORISED, None),
        captured=_come_to(facts, FactKind.CAPTURED, FactKind.CAPTURE_FAILED),
        refunded=_come_to(facts, FactKind.REFUNDED, FactKind.REFUND_FAILED),
        disputed=_come_to(facts, FactKind.DISPUTED, FactKind.DISPUTE_WON),
    )


def _come_to(facts: Sequence[Fact], kind: FactKind, undone: FactKind | None) -> int:
    single = sum(fact.amount.amount for fact in _standing(facts, kind, undone) if fact.amount is not None)
    totals = [fact.amount.amount for fact in facts if fact.kind is kind and fact.total and fact.amount]
    if not totals:
        return single
    back = sum(fact.amount.amount for fact in facts if fact.kind is undone and fact.amount and not fact.total)
    return max(single, max(totals) - back)


def _standing(facts: Sequence[Fact], kind: FactKind, undone: FactKind | None) -> Iterator[Fact]:
    gone = {(fact.system, fact.account, fact.id) for fact in facts if fact.kind is undone}
    for fact in facts:
        if fact.kind is kind and not fact.total and (fact.system, fact.account, fact.id) not in gone:
            yield fact
