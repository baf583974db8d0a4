"""An order's state, replayed step by step: after each of its events, what of it became different.

The states are those of :func:`ordertrail.query.questions.orders.state_as_of`: a law holds that the last step's is the
same as what that says of the last moment.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from ordertrail.query.entries import SealedEvent
from ordertrail.query.questions.orders import Place


@dataclass(frozen=True, slots=True)
class Turn:
    """One field in one step. ``before`` and ``after`` are None where it was not there.

    ``found`` is what the event says that it found, where that is something else than the events before had left.
    """

    place: Place
    before: Any
    after: Any
    contradicts: bool
    found: Any = None


@dataclass(frozen=True, slots=True)
class Frame:
    """An order just after one of its events; ``fields`` is all that its events have told by then."""

    event: SealedEvent
    turns: tuple[Turn, ...]
    fields: tuple[tuple[Place, Any], ...]


def replay(history: Sequence[SealedEvent]) -> Iterator[Frame]:
    """Yield an order's states, one after each event. ``history`` is of one order, as the trail came to know it.

    What did not come about (denied, failed, rolled back) is a step without turns.
    """
    state: dict[Place, Any] = {}
    for one in history:
        turns = []
        if one.event.outcome == "success":
            for change in one.event.changes:
                place = Place(one.event.subject.kind, one.event.subject.id, change.path)
                before = state.get(place)
                wrong = change.before is not UNSET and place in state and change.before != before
                if change.after is UNSET:
                    state.pop(place, None)
                    after = None
                else:
                    state[place] = after = change.after
                turns.append(Turn(place, before, after, wrong, change.before if wrong else None))
        yield Frame(one, tuple(turns), tuple(sorted(state.items(), key=lambda item: item[0])))
