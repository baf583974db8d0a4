"""What is missing in the outbox, and what the relay says about it: in events of its own, for the same ledger."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from ordertrail.kernel.clock import format_time, utc_now
from ordertrail.kernel.ids import new_id
from ordertrail.record.event import Actor, Change, Context, Event, Subject

RELAY = Actor("ordertrail-relay", "system")


@dataclass(frozen=True, slots=True)
class Hole:
    """Counters of a client from ``first`` up to, not including, ``end`` that are not there; and why that is known."""

    client: str
    first: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class ClientRow:
    """A client as the database has it: its own counter, and how far it is relayed."""

    client: str
    counter: int
    relayed: int
    follows: str | None = None
    follows_counter: int | None = None


@dataclass(frozen=True, slots=True)
class Present:
    """One row of the outbox: whose, and which counters it holds."""

    client: str
    counter: int
    events: int


def find_holes(clients: Mapping[str, ClientRow], present: Sequence[Present]) -> Iterator[Hole]:
    """Compare what clients have counted with what is there; both must be of one moment.

    ``present`` is all of the outbox that is not relayed, each client's rows in the order of their counters.
    """
    expected = {client.client: client.relayed for client in clients.values()}
    for row in present:
        begin = expected.get(row.client)
        if begin is None:
            yield Hole(row.client, 0, row.counter, "the client's own row is not there")
        elif row.counter > begin:
            yield Hole(
                row.client, begin, row.counter, "rows of the outbox were deleted before they were relayed"
            )
        elif row.counter < begin:
            yield Hole(row.client, row.counter, begin, "rows of the outbox came twice")
        expected[row.client] = max(begin or 0, row.counter + row.events)
    for client in clients.values():
        if client.counter > expected[client.client]:
            yield Hole(
                client.client, expected[client.client], client.counter,
                "rows of the outbox were deleted before they were relayed",
            )  # fmt: skip
        if client.follows is not None and client.follows_counter is not None:
            before = clients.get(client.follows)
            counted = before.counter if before is not None else 0
            if before is None or counted < client.follows_counter:
                yield Hole(
                    client.follows, counted, client.follows_counter, "the client's own row was set back"
                )


def loss_event(hole: Hole) -> Event:
    """Return the event that puts a hole on record; the same hole is always the same event."""
    return Event(
        id=_stable_id(hole.client, "loss", hole.client, str(hole.first), str(hole.end), hole.reason),
        time=format_time(utc_now()),
        action="capture.loss",
        actor=RELAY,
        subject=Subject("capture_client", hole.client),
        changes=(Change("/first", after=hole.first), Change("/last", after=hole.end - 1)),
        context=Context(reason=hole.reason),
    )


def filtered_event(client: str, rule: str, table: str, before: int, after: int) -> Event:
    """Return the event that says how many more rows the policy left out."""
    return Event(
        id=_stable_id(client, "filtered", client, rule, table, str(before), str(after)),
        time=format_time(utc_now()),
        action="capture.filtered",
        actor=RELAY,
        subject=Subject("table", table),
        changes=(Change("/rows", before, after),),
        context=Context(reason=f"rule {rule}", source=client),
    )


def _stable_id(client: str, *parts: str) -> str:
    """Return an id that is made of these parts, and sorts by the time at which the client began."""
    digest = hashlib.sha256("\x00".join(parts).encode()).digest()
    try:
        time = UUID(client.rpartition("/")[2]).bytes[:6]
    except ValueError:
        time = UUID(new_id()).bytes[:6] if not client else b"\x01" + digest[16:21]
    data = bytearray(time + digest[:10])
    data[6] = data[6] & 0x0F | 0x70
    data[8] = data[8] & 0x3F | 0x80
    return str(UUID(bytes=bytes(data)))
