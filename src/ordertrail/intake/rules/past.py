"""Past traffic, for backtests and suggestions: orders as they came, and what became of each.

The delivered bytes are read again, by the channels of now; what was mended is taken as it came. Whole orders only: an
amendment is no order without the one that it was of, and what was known of an order at the time is not known any more.
So rules over ``before`` and ``found.same`` judge each as if it were new and alone.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from itertools import groupby

from ordertrail.intake.delivery import Delivery
from ordertrail.intake.faults import FaultyError
from ordertrail.intake.message import Message
from ordertrail.intake.ports import Desk, Letter, Query
from ordertrail.intake.reading import Reader
from ordertrail.intake.rules.narrowing import Past
from ordertrail.intake.rules.record import ending_of
from ordertrail.intake.states import MessageState
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.orders.model import Order

DECIDED = frozenset(MessageState) - {MessageState.FOREIGN, MessageState.DUPLICATE, MessageState.LATE}
"""What a rule may have had a say in."""

_PAGE = 500

Opened = Callable[[Letter], AbstractContextManager[bytes]]
"""Opens the bytes of a letter's delivery as they came."""


def decided_letters(desk: Desk, source: str | None = None) -> Iterator[Letter]:
    """Yield every message that rules may have had a say in, page by page, without its attempts."""
    page = Query(DECIDED, source, limit=_PAGE)
    while letters := desk.letters(page):
        yield from letters
        last = letters[-1]
        page = Query(DECIDED, source, after=(last.delivery, last.number), limit=_PAGE)


def stopped_letters(desk: Desk, source: str | None = None) -> Iterator[Letter]:
    """Yield those that were ever stopped, with their attempts."""
    for letter in decided_letters(desk, source):
        if letter.attempt or letter.state is not MessageState.ACCEPTED:
            found = desk.letter(letter.delivery, letter.number)
            if found is not None:
                yield found


def past_orders(letters: Iterable[Letter], reader: Reader, opened: Opened) -> Iterator[Past]:
    """Yield the orders of letters, which stand in the sequence of their deliveries and numbers.

    A delivery whose source is not configured any more, or that its channel cannot read, has none.
    """
    for _, group in groupby(letters, key=lambda one: one.delivery):
        wanted = {letter.number: letter for letter in group}
        first = next(iter(wanted.values()))
        source = reader.sources.get(first.source)
        if source is None:
            continue
        with opened(first) as body:
            delivery = Delivery(source, body, first.received, first.way, first.headers, first.name)
            for number, message in _numbered(reader, delivery):
                if number in wanted and isinstance(message.content, Order):
                    yield Past(message.content, ending_of(wanted[number]))


def _numbered(reader: Reader, delivery: Delivery) -> Iterator[tuple[int, Message]]:
    try:
        yield from enumerate(reader.channel(delivery.source.channel).read(delivery))
    except (FaultyError, ConfigurationError):
        return
