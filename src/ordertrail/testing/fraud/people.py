"""Who works in the shop, and how what they do is told as events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from ordertrail.kernel.clock import format_time
from ordertrail.record.event import Actor, Change, Context, Event, Link, Subject

CLERKS = tuple(Actor(f"clerk-{number:02}", "person", ("order.editor",)) for number in range(24))
APPROVERS = tuple(Actor(f"approver-{number}", "person", ("order.approver",)) for number in range(5))
FINANCE = tuple(Actor(f"finance-{number}", "person", ("finance",)) for number in range(6))
PICKERS = tuple(Actor(f"picker-{number:02}", "person", ("warehouse",)) for number in range(12))
ADMIN = Actor("admin-1", "person", ("administrator",))
PAYMENTS = Actor("payment-gateway", "service")
PRICING = Actor("pricing-service", "service")
CARRIER = Actor("carrier-sync", "service")
SHOP = Actor("shop", "service")
GUARD = Actor("ordertrail", "system")

STAFF = (*CLERKS, *APPROVERS, *FINANCE)


@dataclass(frozen=True, slots=True)
class Note:
    """What stands beside a deed: where it came from and why."""

    ip: str | None = None
    reason: str | None = None
    ticket: str | None = None
    channel: str = "backoffice"
    outcome: str = "success"
    links: Sequence[Link] = ()


NOTHING = Note()


class Teller:
    """Makes events: ids are drawn from the seed, addresses are where people work."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def tell(  # noqa: PLR0913, PLR0917 - an event has this many parts
        self,
        moment: datetime,
        actor: Actor,
        action: str,
        subject: Subject,
        changes: Sequence[Change] = (),
        note: Note = NOTHING,
    ) -> Event:
        """Return one event."""
        return Event(
            id=self._id(),
            time=format_time(moment),
            action=action,
            actor=actor,
            subject=subject,
            outcome=note.outcome,  # type: ignore[arg-type]
            changes=tuple(changes),
            context=Context(
                ip=note.ip or self.address(actor),
                reason=note.reason,
                ticket=note.ticket,
                channel=note.channel,
            ),
            links=tuple(note.links),
        )

    def address(self, actor: Actor) -> str:
        """Return an address of somebody: the office, and now and then the home that they always work from."""
        number = sum(actor.id.encode()) % 200
        if actor.kind != "person" or not actor.roles:
            return f"203.0.113.{number}"
        home = self.random.random() < 0.3
        return f"198.51.{100 + number % 100}.{7}" if home else f"10.20.{number % 8}.{number}"

    def after(self, moment: datetime, shortest: float, longest: float) -> datetime:
        """Return a moment so many minutes later."""
        return moment + timedelta(microseconds=int(self.random.uniform(shortest, longest) * 60_000_000))

    def _id(self) -> str:
        bits = self.random.getrandbits(128) & ~(0xF << 76) & ~(3 << 62) | 4 << 76 | 2 << 62
        text = f"{bits:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def money(amount: int, currency: str = "EUR") -> dict[str, object]:
    """Return an amount of minor units as it stands in an event."""
    return {"amount": amount, "currency": currency}


def of_order(order: str) -> Subject:
    """Return an order as a subject."""
    return Subject("order", order, order)


def of_line(order: str, line: int = 1) -> Subject:
    """Return a line of an order as a subject."""
    return Subject("order_line", f"{order}/{line}", order)


def status(before: str, after: str) -> Change:
    """Return a change of status."""
    return Change("/status", before, after)
