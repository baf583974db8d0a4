"""Which stream an order's events go to, where a class of events has more than one: the placement of a trail.

An order has a **position**: the first two bytes of the SHA-256 of its chain's name, 0 to 65,535, drawn evenly and for
ever. A **place** says: from now on, orders of this home stream (and tenant, where one is named) whose position is
within these bounds *begin* in that stream. Places are only ever added, the newest that covers an order goes before
older ones, and where none does, the order begins in its home::

    home      tenant   from   to      stream
    default   -        8000   ffff    default-b       half of all orders that begin from now on
    default   acme     0000   ffff    default-acme    every order of acme that begins after that

An order's events go to one stream, the one in which the order began, however often its position is moved: so its
chain goes on where it began, with no gap and no second beginning. What could it have begun in? :meth:`Placement.way`
names the streams that ever covered its position, the newest first; whoever records asks the older ones whether they
have it. Where nothing was ever moved there is one stream, and nobody is asked.

A placement is kept as events, in a log of its own (:data:`PLACEMENT`), so that who moved what, when and why is
evidence as all else is: changes of settings (``settings.change``), whose subject is the stream. One with a ``/home``
adds a place, one with a ``/sequencer`` names who is to seal the stream.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ordertrail.kernel.errors import InputError, Problem
from ordertrail.kernel.ids import new_id
from ordertrail.record.chain import chain_name
from ordertrail.record.event import Actor, Change, Context, Event, Subject

PLACEMENT: Final = "placement"
"""The stream in which a placement is kept."""

POSITIONS: Final = 1 << 16
"""How many positions there are."""

_ACTION: Final = "settings.change"

Said = tuple[tuple[str, Any], ...]
"""What a change of a placement says: paths and values."""


@dataclass(frozen=True, slots=True)
class Place:
    """Orders of ``home`` from position ``first`` up to, not including, ``end`` begin in ``stream``; of one tenant."""

    home: str
    stream: str
    first: int = 0
    end: int = POSITIONS
    tenant: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.first < self.end <= POSITIONS:
            raise InputError(
                Problem("orders", f"must lie within 0000 and ffff, not {self.first:x} to {self.end:x}")
            )

    def covers(self, home: str, tenant: str | None, position: int) -> bool:
        """Say whether orders of this home, tenant and position begin here."""
        return home == self.home and self.first <= position < self.end and self.tenant in {None, tenant}

    @property
    def bounds(self) -> str:
        """The positions, as people write them: ``8000-ffff``, both included."""
        return f"{self.first:04x}-{self.end - 1:04x}"


@dataclass(frozen=True, slots=True)
class Placement:
    """All places, oldest first; and by whom each stream is to be sealed, where that was said."""

    places: tuple[Place, ...] = ()
    given: Mapping[str, str] = field(default_factory=dict)

    def way(self, home: str, event: Event) -> tuple[str, ...]:
        """Return the streams in which an event's order may have begun, the one where it begins now first."""
        position = position_of(event)
        covering = [
            one.stream for one in reversed(self.places) if one.covers(home, event.subject.tenant, position)
        ]
        return tuple(dict.fromkeys((*covering, home)))

    def is_home(self, stream: str) -> bool:
        """Say whether any orders of this home begin elsewhere."""
        return any(one.home == stream for one in self.places)

    def of(self, stream: str) -> tuple[Place, ...]:
        """Return the places of a stream."""
        return tuple(one for one in self.places if one.stream == stream)


def position_of(event: Event) -> int:
    """Return an event's position: that of its order, or of its subject where it belongs to no order."""
    subject = event.subject
    key = chain_name(subject.order, subject.tenant) or f"{subject.kind}\t{subject.id}\t{subject.tenant or ''}"
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:2])


def parse_bounds(text: str) -> tuple[int, int]:
    """Read positions as people write them, ``8000-ffff``; return the first, and one behind the last."""
    first, dash, last = text.partition("-")
    try:
        if dash and len(first) == len(last) == 4:
            return int(first, 16), int(last, 16) + 1
    except ValueError:
        pass
    raise InputError(
        Problem("orders", f"{text!r} is not two positions of four hexadecimal digits such as 8000-ffff")
    )


def say_place(place: Place) -> Said:
    """Return what adds a place."""
    said: Said = (("/home", place.home), ("/first", place.first), ("/end", place.end))
    return said if place.tenant is None else (*said, ("/tenant", place.tenant))


def say_given(sequencer: str | None) -> Said:
    """Return what names the sequencer that is to seal a stream; None: whichever it falls to."""
    return (("/sequencer", sequencer),)


def change_event(time: str, stream: str, said: Said, actor: Actor, reason: str) -> Event:
    """Return the event that changes the placement of a stream."""
    return Event(
        id=new_id(),
        time=time,
        action=_ACTION,
        actor=actor,
        subject=Subject("log", stream),
        changes=tuple(Change(path, after=value) for path, value in said),
        context=Context(reason=reason),
    )


def fold_placement(events: Iterable[Event]) -> Placement:
    """Return the placement that these events, in the order of their log, make."""
    places: list[Place] = []
    given: dict[str, str] = {}
    for event in events:
        said: dict[str, Any] = {one.path: one.after for one in event.changes}
        stream = event.subject.id
        if "/home" in said:
            places.append(Place(said["/home"], stream, said["/first"], said["/end"], said.get("/tenant")))
        elif said.get("/sequencer") is not None:
            given[stream] = said["/sequencer"]
        else:
            given.pop(stream, None)
    return Placement(tuple(places), given)
