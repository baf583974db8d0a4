"""What matching asks of the outside world. Guarantees stand in each port's docstring."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from ordertrail.correlate.facts import Fact, FactKey, Thing
from ordertrail.correlate.matching.cards import Key, OrderCard
from ordertrail.correlate.matching.links import Link, LinkState
from ordertrail.kernel.money import Money


class Cards(Protocol):
    """What orders can be recognised by: a projection of orders that can be dropped and made again.

    Durable when ``put`` returns. Threads may share it. Raises UnavailableError where it cannot be reached now.
    """

    def put(self, cards: Iterable[OrderCard]) -> None:
        """Keep cards, each in the place of the one of its order before."""

    def find(self, keys: Iterable[Key]) -> Mapping[Key, Sequence[OrderCard]]:
        """Return the cards that have each of these keys; keys that none has are left out."""

    def near(self, amount: Money, since: str, until: str, limit: int) -> Sequence[OrderCard]:
        """Return cards of just this amount of orders placed from ``since`` to ``until``, at most ``limit``."""


class Facts(Protocol):
    """Facts that were recorded, by what they are about: a projection of the trail that can be made again.

    Durable when ``add`` returns. Idempotent: a fact of a key that is known adds nothing. Threads may share it. Raises
    UnavailableError where it cannot be reached now.
    """

    def add(self, facts: Iterable[Fact], payers: Mapping[Thing, str]) -> Sequence[Fact]:
        """Keep facts; return those that are new. ``payers`` are tokens, kept here and forgotten with the person."""

    def known(self, keys: Iterable[FactKey]) -> frozenset[FactKey]:
        """Return which of these facts are known."""

    def of(self, things: Iterable[Thing]) -> Mapping[Thing, Sequence[Fact]]:
        """Return what is known of things, by time."""

    def things(self, keys: Iterable[Key]) -> Mapping[Key, Sequence[Thing]]:
        """Return the things of which a fact has each of these keys."""

    def payer(self, thing: Thing) -> str | None:
        """Return the token of who paid, None where it is not known."""


class EveryFact(Protocol):
    """All facts, to be summed. Raises UnavailableError where they cannot be reached now."""

    def pages(self, things: int) -> Iterator[Sequence[Fact]]:
        """Yield all facts, those of so many things at a time: all of a payment come together."""


class Links(Protocol):
    """Where each link stands: what the decisions on record come to. A projection that can be made again.

    Durable when ``apply`` returns. Threads may share it. Raises UnavailableError where it cannot be reached now.
    """

    def of_things(self, things: Iterable[Thing]) -> Mapping[Thing, Sequence[Link]]:
        """Return all links of things, undone and rejected ones too."""

    def of_orders(self, orders: Iterable[str]) -> Mapping[str, Sequence[Link]]:
        """Return all links of orders, undone and rejected ones too."""

    def standing(self, state: LinkState, limit: int, beyond: Link | None = None) -> Sequence[Link]:
        """Return links that stand so, the likeliest first, at most ``limit``; those that come after ``beyond``."""

    def apply(self, links: Iterable[Link]) -> None:
        """Keep links, each in the place of the one between its thing and its order before."""
