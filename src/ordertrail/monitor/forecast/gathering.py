"""Examples from a trail's past: one walk over its events, in the sequence of times, with bounded memory.

Examples are of whole orders, drawn by a hash of their ids: when a target has more examples than may be held, half of
the orders are let go, and half of those to come. So a sample does not depend on the sequence of orders, and is the
same whenever it is drawn.
"""

from collections.abc import Sequence
from hashlib import sha256

from ordertrail.monitor.forecast.columns import BASELINE, Examples, Packed
from ordertrail.monitor.forecast.fates import Settled, courses
from ordertrail.monitor.forecast.following import Followed, Following, Key
from ordertrail.monitor.forecast.targets import Target
from ordertrail.monitor.rules.rulebook import Rulebook
from ordertrail.query.projection import Indexed

MOST_EXAMPLES = 60_000
_PARTS = 1 << 64


class Gathering:
    """Gathers examples for targets. ``examples`` are by the target's name, and so is ``risky``: the base rule's word.

    ::

        gathering = Gathering(targets)
        for event in events: gathering.take(event)
        gathering.settle(now)
        gathering.examples["cancelled"]
    """

    def __init__(
        self, targets: Sequence[Target], rules: Rulebook | None = None, most: int = MOST_EXAMPLES
    ) -> None:
        self.courses = courses(targets)
        self.examples = {course.target.name: Examples() for course in self.courses}
        self._most = most
        self._parts = dict.fromkeys(self.examples, _PARTS)
        self.following: Following[Packed] = Following(self.courses, self, rules)

    def take(self, event: Indexed) -> None:
        """Take the next event."""
        self.following.take(event)

    def settle(self, now: int) -> None:
        """Settle what time has settled by now; what is open still is no example."""
        self.following.settle(now)

    def share(self, target: str) -> float:
        """Return the share of orders that a target's examples are of."""
        return self._parts[target] / _PARTS

    def asked(self, place: int, order: Followed[Packed]) -> None:
        """See :class:`~ordertrail.monitor.forecast.following.Listener`."""
        name, fate = self.courses[place].target.name, order.fates[place]
        if drawn(order.key) < self._parts[name]:
            values = {**order.prefix.values, BASELINE: 1.0} if fate.risky else order.prefix.values
            fate.ask(self.examples[name].packed(values), order.prefix.time)

    def settled(self, place: int, order: Followed[Packed], settled: Sequence[Settled[Packed]]) -> None:
        """See the protocol."""
        name = self.courses[place].target.name
        examples = self.examples[name]
        if drawn(order.key) >= self._parts[name]:
            return
        for one in settled:
            examples.add(
                one.item,
                order=order.number,
                time=one.asked,
                truth=one.truth,
                known=one.known,
                delay=one.delay,
                drawn=drawn(order.key),
            )
        while len(examples) > self._most:
            self._parts[name] //= 2
            examples.keep(self._parts[name])


def drawn(key: Key) -> int:
    """Return where an order stands in the drawing of samples: 64 bits of a hash of its id."""
    return int.from_bytes(sha256("\0".join(key).encode("utf-8", "surrogatepass")).digest()[:8])
