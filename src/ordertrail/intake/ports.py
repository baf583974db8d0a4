"""What intake asks of the outside world. Guarantees stand in each port's docstring."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Protocol

from ordertrail.intake.breaker import Breaker
from ordertrail.intake.delivery import Delivery, Way
from ordertrail.intake.faults import Fault
from ordertrail.intake.states import MessageState
from ordertrail.kernel.money import Money
from ordertrail.orders.model import Order, SourceVersion
from ordertrail.orders.ports import Put, Stored
from ordertrail.orders.statuses import OrderStatus
from ordertrail.record.event import Event


@dataclass(frozen=True, slots=True)
class Arrival:
    """A delivery that is proven to come from its source, on its way to disk.

    ``source`` is ``channel/account``. ``delivery_id`` is the source's own, where it has one. ``body`` is None where the
    bytes are in :class:`Bodies` already. ``again``: it is to be read although its bytes were read before.
    """

    id: str
    source: str
    sha256: str
    size: int
    body: bytes | None
    received: str
    way: Way
    delivery_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class Landed:
    """What became of an arrival: ``id`` is the first one's where it is a duplicate.

    ``reused``: the source has given the same id to other bytes before; it is a delivery of its own all the same.
    """

    id: str
    duplicate: bool
    reused: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that a worker has, until its lease ends. ``attempt`` is its number, and fences who had it before.

    ``body`` is None where the bytes are in :class:`Bodies`. ``progress`` messages of it are settled already.
    """

    id: str
    attempt: int
    source: str
    sha256: str
    size: int
    received: str
    way: Way
    headers: Mapping[str, str]
    name: str
    progress: int = 0
    counts: Mapping[MessageState, int] = field(default_factory=dict)
    """How many of these came to what."""
    tries: int = 1
    """Claims since it last got any further, this one included."""
    body: bytes | None = None
    fix: str | None = None
    """The SHA-256 of the bytes that a person put in the place of those that came; None where nobody did."""


@dataclass(frozen=True, slots=True)
class Approval:
    """Who let it through, and why."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that a worker takes up again: its delivery's claim, whose ``attempt`` is the message's.

    ``content`` is what it says, where that is kept; else the bytes are read again.
    """

    claim: Claim
    number: int
    state: MessageState
    since: str
    content: bytes | None = None
    approval: Approval | None = None


@dataclass(frozen=True, slots=True)
class Harm:
    """What a message that cannot enter may cost: what letters are ranked by, see :mod:`ordertrail.intake.impact`."""

    value: Money | None = None
    tier: str | None = None
    promised: str | None = None


NO_HARM = Harm()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message: what is kept of it.

    ``told`` is the state in which its source says that the order is. ``content`` is kept of what is to be tried again.
    ``attempt`` is that of its claim: of the message where it was ``taken_up`` again, of its delivery where it is new.
    ``whole``: it stands for the rest of a delivery that cannot be read any further.
    """

    delivery: str
    number: int
    source: str
    attempt: int
    state: MessageState
    pointer: str = ""
    order: str | None = None
    version: SourceVersion | None = None
    told: OrderStatus | None = None
    faults: tuple[Fault, ...] = ()
    content: bytes | None = None
    again_at: str | None = None
    harm: Harm = NO_HARM
    taken_up: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a delivery is read now. ``again_at`` is set where it is not ``done`` and the worker lets go of it."""

    claim: Claim
    settled: int
    counts: Mapping[MessageState, int]
    done: bool = False
    again_at: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """All that one transaction keeps: what became of messages, the orders that they make, and what is told of it."""

    time: str
    progress: tuple[Progress, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    puts: tuple[Put, ...] = ()
    events: tuple[Event, ...] = ()


class Settling(Enum):
    """What became of a settlement."""

    DONE = "done"
    """It is kept, all of it."""
    CONFLICT = "conflict"
    """An order is not at the version that was expected: read again and decide again. Nothing was kept."""
    LOST = "lost"
    """A claim of it is somebody else's by now. Nothing was kept, and nothing is to be done."""


@dataclass(frozen=True, slots=True)
class Known:
    """An order as it is kept, and the state in which its source last told that it is."""

    stored: Stored
    told: OrderStatus | None = None


class Inbox(Protocol):
    """Deliveries and their messages, beside the orders that they make. Threads and processes may share it.

    Durable: when ``land`` and ``settle`` return, it is kept. Atomic: a settlement is kept whole or not at all, and its
    events with it. Exactly once in effect: a message is settled by one claim, however often it is worked on; of two
    workers that have the same delivery the later claim wins, and the earlier is told that it lost. Leases are compared
    by the workers' clocks; one that is wrong costs work done twice, and never an order. Raises UnavailableError where
    the inbox cannot be reached now; what was landed stays landed.
    """

    def land(self, arrivals: Sequence[Arrival]) -> list[Landed]:
        """Keep deliveries, each once: by its source's id and its bytes, or by its bytes where it has no id."""

    def claim(self, now: datetime, lease: timedelta, limit: int) -> list[Claim]:
        """Return deliveries that are due, oldest first, and that nobody else has; those of resting sources are not.

        One that was claimed before and got no further is returned by itself: what it does to its worker must be done
        to no other delivery's tries.
        """

    def claim_waiting(self, now: datetime, lease: timedelta, limit: int) -> list[Waiting]:
        """Return messages that wait and are due, and that nobody else has."""

    def known(self, order_ids: Sequence[str]) -> dict[str, Known]:
        """Return those of these orders that are there."""

    def settle(self, settlement: Settlement, lease_until: datetime) -> Settling:
        """Keep a settlement in one transaction, and hold what is not done until the lease ends.

        Messages that are parked for an order that is put become due.
        """


class Bodies(Protocol):
    """Delivered bytes that are too large for a row, named by their SHA-256.

    Durable once ``put_file`` returns; write-once; any number of processes. Nothing of a body is ever in memory as a
    whole. Raises UnavailableError where bodies cannot be reached now.
    """

    def put_file(self, path: Path) -> tuple[str, int]:
        """Keep a copy of a file's bytes; return their SHA-256 in hex, and how many they are."""

    def open(self, sha256: str) -> AbstractContextManager[bytes]:
        """Open a body to be read; what is yielded is bytes-like (a memory map). Raises EvidenceError if it is gone."""


class Authenticator(Protocol):
    """Says whether a delivery comes from its source. Threads may share one."""

    def authenticate(self, delivery: Delivery) -> Fault | None:
        """Return None where it does, else why not: of code ``SIGNATURE``, or ``REPLAYED`` where only its time is wrong.

        Looks at headers and raw bytes, compares in constant time, and raises nothing.
        """


@dataclass(frozen=True, slots=True)
class Verdict:
    """What validation says of an order: what rejects it, what a person is to see first, and what is only remarked."""

    rejects: tuple[Fault, ...] = ()
    holds: tuple[Fault, ...] = ()
    remarks: tuple[Fault, ...] = ()


class Validator(Protocol):
    """Holds an order against the rules of its channel and account. Threads may share one."""

    def validate(self, order: Order, before: Order | None) -> Verdict:
        """Judge an order as it is to be; ``before`` is as it is kept, None where it is new.

        Raises UnavailableError where a rule cannot be asked now, and nothing else.
        """


@dataclass(frozen=True, slots=True)
class Refusal:
    """A delivery that was turned away. Its bytes are not kept: anybody could have sent them, and any number."""

    source: str
    time: str
    fault: Fault
    sha256: str


@dataclass(frozen=True, slots=True)
class Declared:
    """What a source says that it sent of orders placed in a time: from, and until but not including."""

    begin: str
    end: str
    orders: int
    total: Money | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A declaration, and what we have of it."""

    declared: Declared
    orders: int
    total: Money | None


@dataclass(frozen=True, slots=True)
class Figures:
    """What is counted of a source. ``hour`` and ``week`` end now; ``states`` are messages of the last hour."""

    backlog: int = 0
    """Deliveries that are landed and not done."""
    oldest: str | None = None
    """When the oldest of them was received."""
    last_received: str | None = None
    last_success: str | None = None
    """When a message was last accepted."""
    hour: int = 0
    """Deliveries received in the last hour."""
    week: int = 0
    """Deliveries received in the seven days before."""
    first_received: str | None = None
    duplicates: int = 0
    """Copies in the last hour of deliveries that were there already."""
    refused: int = 0
    """Turned away in the last hour."""
    states: Mapping[MessageState, int] = field(default_factory=dict)
    open_letters: int = 0
    """Held and dead messages that nobody has dealt with."""
    parked: int = 0
    breaker: Breaker = field(default_factory=Breaker)
    declared: tuple[Received, ...] = ()
    unasked: str | None = None
    """Why it cannot be asked, where it is one that we ask."""


@dataclass(frozen=True, slots=True)
class Load:
    """How a source's deliveries are worked on: its breaker, and how many are landed and not done."""

    breaker: Breaker
    backlog: int


class Sources(Protocol):
    """What is known of each source. Durable when a call returns; what is told of it is told in the same transaction.

    Raises UnavailableError where it cannot be reached now.
    """

    def load(self, source: str) -> Load:
        """Return a source's breaker and backlog."""

    def turn(self, source: str, before: Breaker, after: Breaker, event: Event | None) -> bool:
        """Put a breaker in the place of what was seen; False, and nothing changed, where it is another by now."""

    def refuse(self, refusals: Sequence[Refusal]) -> None:
        """Count deliveries that were turned away; the first of a source, a cause and a minute is an event."""

    def declare(self, source: str, declared: Declared) -> None:
        """Keep what a source says that it sent; a later word about the same time takes an earlier one's place."""

    def figures(self, source: str, now: datetime) -> Figures:
        """Return what is counted of a source."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a message that did not accept it."""

    number: int
    time: str
    state: MessageState
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that has not entered, with all that is known of it."""

    delivery: str
    number: int
    source: str
    state: MessageState
    received: str
    settled: str
    sha256: str
    size: int
    pointer: str = ""
    order: str | None = None
    faults: tuple[Fault, ...] = ()
    cause: str = ""
    harm: Harm = NO_HARM
    attempt: int = 0
    fix: str | None = None
    whole: bool = False
    """It stands for all of the delivery that could not be read."""
    attempts: tuple[Attempt, ...] = ()
    way: Way = Way.FILE
    headers: Mapping[str, str] = field(default_factory=dict)
    name: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """Which letters; what is None does not matter. ``after`` is the last one's delivery and number of a page before."""

    states: frozenset[MessageState] = frozenset({MessageState.HELD, MessageState.DEAD})
    source: str | None = None
    cause: str | None = None
    order: str | None = None
    delivery: str | None = None
    after: tuple[str, int] | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Change:
    """What a person does to a letter: give it back (``REPLAYED``), or discard it. ``fix`` is the mended bytes' name."""

    letter: Letter
    state: MessageState
    event: Event
    fix: str | None = None
    fixed_body: bytes | None = None
    approval: Approval | None = None


class Desk(Protocol):
    """Where people look at what has not entered. Durable when a call returns, and told in the same transaction.

    Raises UnavailableError where it cannot be reached now.
    """

    def letters(self, query: Query) -> list[Letter]:
        """Return letters without their attempts, in the sequence of delivery and number."""

    def letter(self, delivery: str, number: int) -> Letter | None:
        """Return one letter with its attempts, None where there is no such message."""

    def causes(self, query: Query) -> list[tuple[str, str, int]]:
        """Return each source and cause with how many letters share it, most first."""

    def change(self, changes: Sequence[Change], time: str) -> list[bool]:
        """Do what people decided; False for each letter that is not in the state any more in which it was seen."""

    def body(self, sha256: str) -> bytes | None:
        """Return delivered bytes that are kept in a row, None where they are not."""
