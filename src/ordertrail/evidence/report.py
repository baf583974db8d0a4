"""What is printed: a bundle in words for people who read paper. Pure: how it looks is the printer's business."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from msgspec import UNSET

from ordertrail.evidence.accounts import Account, Told
from ordertrail.evidence.cases import Accounted
from ordertrail.evidence.manifest import LogPart, Made, OrderPart
from ordertrail.evidence.samples import Sampled
from ordertrail.kernel.money import EXPONENTS, Money, format_money
from ordertrail.kernel.numbers import count
from ordertrail.ledger.verify.report import Step
from ordertrail.record.actions import Action
from ordertrail.record.entry import Entry
from ordertrail.record.event import Change, Event
from ordertrail.record.sentence import sentence, value_words


@dataclass(frozen=True, slots=True)
class PrintedChange:
    """A field, and what it was before and after, in words; empty where it was not there."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class PrintedEvent:
    """An event as it is printed. ``facts`` are its further names and values, ``mark`` says that it failed or so."""

    heading: str
    time: str
    sentence: str
    facts: tuple[tuple[str, str], ...]
    changes: tuple[PrintedChange, ...]
    mark: str = ""


@dataclass(frozen=True, slots=True)
class PrintedGroup:
    """Events under one heading: an order's, or those of none."""

    heading: str
    told: str
    events: tuple[PrintedEvent, ...]


@dataclass(frozen=True, slots=True)
class PrintedReport:
    """A whole report. ``made`` is when, RFC 3339."""

    title: str
    about: str
    made: str
    facts: tuple[tuple[str, str], ...]
    groups: tuple[PrintedGroup, ...]
    steps: tuple[tuple[str, str], ...]
    not_proven: tuple[str, ...]


class Printer(Protocol):
    """Prints reports. Pure: the same report makes the same bytes."""

    def print(self, report: PrintedReport) -> bytes:
        """Return the report as a PDF file. Raises ConfigurationError where there is nothing to print with."""


_PROOFS = {
    Step.CONTENT: (
        "Each file of the bundle hashes to what its manifest says; each event is kept in the very bytes that were "
        "hashed when it was recorded."
    ),
    Step.INCLUSION: "A chain of hashes (RFC 6962) leads from each event to the root of a signed checkpoint.",
    Step.SIGNATURE: "The log's key has signed the checkpoints, and an entry of the log names this bundle's manifest.",
    Step.CONTINUITY: (
        "The checkpoints are of one history, and the events of each complete order are linked one to the next from "
        "the first on: none between them is missing."
    ),
    Step.TIME: (
        "Recorded times do not run backwards. Where an authority or a witness saw a checkpoint, everything under it "
        "existed at that time."
    ),
    Step.CUSTODY: "The log says who made the bundle, when and why.",
}


def compose(  # noqa: PLR0913 - each is one part of what is printed
    *,
    bundle: str,
    about: str,
    made: Made,
    logs: Sequence[LogPart],
    orders: Sequence[OrderPart],
    entries: Sequence[tuple[str, Entry]],
    opened: Mapping[tuple[str, str], Any],
    not_proven: Sequence[str],
    sample: Sampled | None,
    actions: Mapping[str, Action],
    accounts: Sequence[Accounted] = (),
) -> PrintedReport:
    """Put a report together. ``entries`` come with their streams, ``opened`` are disclosed values by event and path."""
    facts = [
        ("Bundle", bundle),
        ("Made", f"{made.at} by {made.by}"),
        ("Why", made.reason),
        ("Approved by", made.approved_by or ""),
        ("For", made.recipient or ""),
        ("Case", made.case or ""),
    ]
    facts += [
        (
            "Log",
            f"{part.origin}: {count(part.entries, 'entry', 'entries')} here, of {part.size:,} in its checkpoint",
        )
        for part in logs
        if part.entries
    ]
    if sample is not None:
        facts += _sample_facts(sample)
    return PrintedReport(
        "Evidence from an order audit trail",
        about,
        made.at,
        tuple((name, value) for name, value in facts if value),
        (*map(_accounted, accounts), *_groups(entries, orders, opened, actions)),
        tuple((f"{step.number} {step.label}", words) for step, words in _PROOFS.items()),
        tuple(not_proven),
    )


def _accounted(one: Accounted) -> PrintedGroup:
    """Return what led to an event, as a group of its own: the steps in their sequence, then the likely roots."""
    account = one.account
    told = f"As it was told at {one.at} to {one.by}, and kept in event {one.event}. What is not marked as inferred "
    told += "the log itself says." + ("" if account.whole else " More is known to have led there.")
    steps = [
        PrintedEvent(
            f"{number}. {step.told.action}",
            step.told.time,
            step.reason,
            _told_facts(step.told, ("leads to", step.towards)),
            (),
            "" if step.certain else "inferred",
        )
        for number, step in enumerate(account.steps, 1)
    ]
    return PrintedGroup(_heading(account), told, (*steps, *_roots(account)))


def _heading(account: Account) -> str:
    return f"What led to {account.asked.action} of {account.asked.subject}"


def _roots(account: Account) -> Iterator[PrintedEvent]:
    for place, root in enumerate(account.roots, 1):
        yield PrintedEvent(
            f"Possible root {place}: {root.told.action}",
            root.told.time,
            "; ".join(root.reasons) or "It explains what followed.",
            _told_facts(root.told, ("likely", f"{root.confidence / 100:.0f} % against the others")),
            (),
            "" if root.certain else "inferred",
        )


def _told_facts(told: Told, more: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return ("about", told.subject), ("by", told.actor), more, ("event", told.event)


def _sample_facts(sample: Sampled) -> Iterator[tuple[str, str]]:
    population = sample.population
    yield "Sample", f"{len(sample.events):,} events, drawn by the method {sample.method}, size {sample.size}"
    yield "Seed", sample.seed
    what = f"{count(population.count, 'event')} that {population.criteria or 'are in the log'}"
    interval = f"from {population.since} to {population.until}"
    yield "Population", f"{what}, {interval}, in {population.size:,} entries"
    for one in population.sums:
        yield "Sum", f"{_money(one.amount, one.currency)} over {count(one.items, 'event')}"


def _money(amount: int, currency: str) -> str:
    return format_money(Money(amount, currency)) if currency in EXPONENTS else f"{amount} {currency}"


def _groups(
    entries: Sequence[tuple[str, Entry]],
    orders: Sequence[OrderPart],
    opened: Mapping[tuple[str, str], Any],
    actions: Mapping[str, Action],
) -> Iterator[PrintedGroup]:
    complete = {(one.order, one.tenant, one.stream): one.before for one in orders}
    grouped: dict[tuple[str, str | None, str], list[Entry]] = {}
    for stream, entry in entries:
        subject = entry.event.subject
        grouped.setdefault((subject.order or "", subject.tenant, stream), []).append(entry)
    for (order, tenant, stream), members in sorted(grouped.items(), key=lambda one: tuple(map(str, one[0]))):
        heading = f"Order {order}" + (f" of {tenant}" if tenant else "") if order else "Events of no order"
        events, before = count(len(members), "event"), complete.get((order, tenant, stream))
        if (order, tenant, stream) not in complete:
            told = f"{events} chosen; there may be others."
        elif before is None:
            told = f"Complete: all {events} up to the checkpoint, from the first on."
        else:
            told = (
                f"All {events} up to the checkpoint that remain. What came before was destroyed after its term, up to "
                f"event {before.number:,}, under certificate {before.purge}."
            )
        yield PrintedGroup(heading, told, tuple(_event(one, stream, opened, actions) for one in members))


def _event(
    entry: Entry, stream: str, opened: Mapping[tuple[str, str], Any], actions: Mapping[str, Action]
) -> PrintedEvent:
    event, ledger = entry.event, entry.ledger
    number = "" if ledger.order is None else f"{ledger.order.number}. "
    facts = [
        ("by", _actor(event)),
        ("from", _place(event, opened)),
        ("recorded", f"{ledger.recorded}, entry {ledger.index:,} of {stream}"),
        ("event", event.id),
        ("also known as", ", ".join(f"{link.system} {link.kind} {link.id}" for link in event.links)),
    ]
    return PrintedEvent(
        f"{number}{event.action}",
        event.time,
        sentence(event, actions),
        tuple((name, value) for name, value in facts if value),
        tuple(_change(event, number, change, opened) for number, change in enumerate(event.changes)),
        "" if event.outcome == "success" else event.outcome.replace("_", " "),
    )


def _actor(event: Event) -> str:
    actor = event.actor
    roles = f" as {', '.join(actor.roles)}" if actor.roles else ""
    return f"{actor.id} ({actor.kind}){roles}" + (f", for {actor.on_behalf_of}" if actor.on_behalf_of else "")


def _place(event: Event, opened: Mapping[tuple[str, str], Any]) -> str:
    context = event.context
    if context is None:
        return ""
    address = opened.get((event.id, "/context/ip"), context.ip)
    words = "" if address is None else address if isinstance(address, str) else "a sealed address"
    return ", ".join(filter(None, (context.channel, context.source, context.host, words)))


def _change(
    event: Event, number: int, change: Change, opened: Mapping[tuple[str, str], Any]
) -> PrintedChange:
    def words(name: str, value: Any) -> str:
        disclosed = opened.get((event.id, f"/changes/{number}/{name}"))
        if disclosed is not None:
            return f"{_whole(disclosed)} (disclosed)"
        return "" if value is UNSET else _whole(value)

    return PrintedChange(change.path, words("before", change.before), words("after", change.after))


def _whole(value: Any) -> str:
    """Return a value in words, all of it: nothing of evidence is cut short."""
    return value if isinstance(value, str) else value_words(value)
