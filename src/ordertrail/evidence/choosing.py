"""What a bundle is of: whole orders and single events, found in the logs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ordertrail.kernel.errors import InputError, Problem
from ordertrail.kernel.ids import parse_id
from ordertrail.kernel.numbers import count
from ordertrail.ledger.ports import EntryReader, EntryRow
from ordertrail.record.chain import SEPARATOR


@dataclass(frozen=True, slots=True)
class Selection:
    """Orders of which everything is wanted, each of one tenant (None: of every tenant), and single events by id."""

    orders: tuple[tuple[str, str | None], ...] = ()
    events: tuple[str, ...] = ()

    @property
    def about(self) -> str:
        """What was chosen, in words."""
        parts = []
        if len(self.orders) == 1:
            order, tenant = self.orders[0]
            parts.append(f"order {order}" + (f" of {tenant}" if tenant else ""))
        elif self.orders:
            parts.append(count(len(self.orders), "order"))
        if self.events:
            parts.append(count(len(self.events), "single event"))
        return " and ".join(parts)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rows of a selection, by stream, and the whole orders among them with their tenants."""

    rows: Mapping[str, Sequence[EntryRow]]
    whole: Sequence[tuple[str, str | None]]


def choose(selection: Selection, reader: EntryReader) -> Chosen:
    """Find what was selected.

    :raises InputError: naming every order and event that the logs do not hold.
    """
    rows: dict[str, list[EntryRow]] = {}
    problems: list[Problem] = []
    whole: dict[tuple[str, str | None], None] = {}
    for order, tenant in dict.fromkeys(selection.orders):
        found = list(reader.history(order, tenant))
        if not found:
            problems.append(
                Problem("orders", f"no sealed event of order {order}" + (f" of {tenant}" if tenant else ""))
            )
        whole |= {(order, _tenant(row)): None for _, row in found}
        _add(rows, found)
    for number, event in enumerate(dict.fromkeys(selection.events)):
        try:
            hit = reader.find(parse_id(event))
        except ValueError as error:
            problems.append(Problem(f"events.{number}", f"{event[:60]!r} is {error}"))
            continue
        if hit is None:
            problems.append(Problem(f"events.{number}", f"no sealed event has the id {event}"))
        else:
            _add(rows, [hit])
    if problems:
        raise InputError(
            problems, remedy="Check the numbers; what was recorded is there after 'ordertrail seal'."
        )
    return Chosen(rows, tuple(whole))


def _tenant(row: EntryRow) -> str | None:
    """Return the tenant of the chain that a row is in."""
    return (row.chain or "").partition(SEPARATOR)[2] or None


def _add(rows: dict[str, list[EntryRow]], found: Iterable[tuple[str, EntryRow]]) -> None:
    for stream, row in found:
        rows.setdefault(stream, []).append(row)
