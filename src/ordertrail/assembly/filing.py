"""The door of a trail that puts each event into the stream of its class."""

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from ordertrail.kernel.errors import InputError
from ordertrail.monitor.governance import GOVERNANCE
from ordertrail.record.entry import read_entry
from ordertrail.record.placement import PLACEMENT, Placement, fold_placement
from ordertrail.record.recorder import Recorder
from ordertrail.retention.filing import Door, FilingDoor
from ordertrail.retention.placing import PlacingDoor
from ordertrail.retention.policy import Policy, parse_policy
from ordertrail.retention.register import DELETIONS, fold
from ordertrail.services import DEFAULT_STREAM, Trail

if TYPE_CHECKING:
    from ordertrail.record.event import Event

OWN: Final = frozenset({DELETIONS, GOVERNANCE, PLACEMENT})
"""Streams that the trail writes of itself: what was destroyed, decided and moved, and by whose word."""

_AT_ONCE = 1_024


def door_of(trail: Trail, stream: str = DEFAULT_STREAM) -> Door:
    """Return what records events that come from outside.

    Into the default stream each event goes by its class, as the policy in force says; into another all go that are
    sent there. Raises InputError for a stream that only the trail itself writes, ConfigurationError where there is
    none of this name.
    """
    if stream in OWN:
        raise InputError(
            f"{stream} is written by the trail alone",
            meaning="Nothing was recorded. What is in it is proof of who asked, approved, destroyed and decided; an "
            "event from outside could be taken for such a proof.",
            remedy="Record into the default stream, or one of a class; requests and approvals have verbs of their own.",
        )
    return filing_door(trail) if stream == DEFAULT_STREAM else trail.log(stream).recorder


def filing_door(trail: Trail) -> FilingDoor:
    """Return what records each event in the stream of its class, as the policy that is in force then says."""
    return FilingDoor(_Doors(trail), DEFAULT_STREAM, PolicyInForce(trail), trail.actions)


class _Doors(Mapping[str, Door]):
    """The doors of a trail's streams, of those begun since among them; the trail's own streams have none.

    Behind the door of a stream whose orders begin in others too, the placement says in which.
    """

    def __init__(self, trail: Trail) -> None:
        self._trail = trail
        self._placement = PlacementInForce(trail)

    def __getitem__(self, stream: str) -> Door:
        """Return a door. Raises KeyError where there is none."""
        if stream in OWN:
            raise KeyError(stream)
        if self._placement().is_home(stream):
            return PlacingDoor(stream, _Recorders(self._trail), self._placement, self._seated)
        return self._trail.logs[stream].recorder

    def _seated(self, stream: str, chains: Collection[str]) -> frozenset[str]:
        """Return those of these chains that a stream has; what leaves its journal is in its log before."""
        log = self._trail.log(stream).log
        return log.journal.chains(stream, chains) | log.store.tails(stream, chains).keys()

    def __iter__(self) -> Iterator[str]:
        """Iterate over the streams."""
        return (one for one in self._trail.logs if one not in OWN)

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(1 for _ in self)


class _Recorders(Mapping[str, Recorder]):
    """The recorders of a trail's streams, whatever the placement says."""

    def __init__(self, trail: Trail) -> None:
        self._trail = trail

    def __getitem__(self, stream: str) -> Recorder:
        """Return a recorder. Raises KeyError where there is no such stream."""
        return self._trail.logs[stream].recorder

    def __iter__(self) -> Iterator[str]:
        """Iterate over the streams."""
        return iter(self._trail.logs)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._trail.logs)


class PlacementInForce:
    """The placement in force, read again where its log has grown; without one, every order is at home."""

    def __init__(self, trail: Trail) -> None:
        self._trail = trail
        self._events: list[Event] = []
        self._placement = Placement()

    def __call__(self) -> Placement:
        """Return it."""
        service = self._trail.logs.get(PLACEMENT)
        if service is None:
            return self._placement
        log, read = service.log, len(self._events)
        size = log.store.head(PLACEMENT).size
        if size > read:
            rows = log.reader.rows(PLACEMENT, read, size)
            self._events += [read_entry(row.entry).event for row in rows]
            self._placement = fold_placement(self._events)
        return self._placement


class PolicyInForce:
    """The retention policy in force, read again where the deletion log has grown; None where none ever was."""

    def __init__(self, trail: Trail) -> None:
        self._trail = trail
        self._size = 0
        self._policy: Policy | None = None

    def __call__(self) -> Policy | None:
        """Return it."""
        service = self._trail.logs.get(DELETIONS)
        if service is None:
            return None
        log = service.log
        size = log.store.head(DELETIONS).size
        for start in range(self._size, size, _AT_ONCE):
            rows = log.reader.rows(DELETIONS, start, min(start + _AT_ONCE, size))
            text = fold(read_entry(row.entry).event for row in rows).policy
            if text is not None:
                self._policy = parse_policy(text)
        self._size = size
        return self._policy
