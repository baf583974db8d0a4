"""Scripted incidents amid ordinary trade: of each it is known which event was the root of what is asked about.

The background is a working day: orders that come, are priced by a service, paid and shipped; people who sign in and
change things; settings, rules and roles that change for good reasons. Each incident has decoys of its own besides:
things that happened shortly before, and had nothing to do with it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

from ordertrail.kernel.clock import format_time
from ordertrail.record.event import Actor, ActorKind, Cause, Change, Context, Event, Link, Outcome, Subject

DAY = datetime(2026, 11, 20, 6, tzinfo=UTC)
CLERKS = {f"clerk-{n}": f"198.51.100.{n}" for n in range(1, 9)}
_RULES = ("summer-sale", "loyalty", "bulk")


@dataclass(slots=True)
class Incident:
    """Events by the time at which they were recorded, what is asked about, and what was the root of it."""

    kind: str
    events: list[Event]
    recorded: list[str]
    asked: str
    root: str


@dataclass(slots=True)
class Script:
    """Writes events."""

    random: Random
    events: list[tuple[datetime, Event]] = field(default_factory=list)

    def tell(  # noqa: PLR0913 - what an event has
        self,
        at: datetime,
        action: str,
        actor: str,
        subject: tuple[str, str],
        *,
        order: str | None = None,
        changes: dict[str, tuple[Any, Any]] | None = None,
        kind: ActorKind = "service",
        session: str | None = None,
        ip: str | None = None,
        version: str | None = None,
        cause: Cause | None = None,
        links: tuple[Link, ...] = (),
        outcome: Outcome = "success",
        source: str | None = None,
        trace: str | None = None,
        recorded: datetime | None = None,
    ) -> str:
        """Write an event; return its id."""
        told = tuple(
            Change(path, after=after) if before is None else Change(path, before, after)
            for path, (before, after) in (changes or {}).items()
        )
        event = Event(
            id=str(UUID(int=self.random.getrandbits(128), version=4)),
            time=format_time(at),
            action=action,
            actor=Actor(actor, kind, session=session),
            subject=Subject(*subject, order=order),
            outcome=outcome,
            changes=told,
            context=Context(ip=ip, version=version, source=source, trace=trace),
            cause=cause,
            links=links,
        )
        self.events.append((recorded or at + timedelta(seconds=2), event))
        return event.id

    def session(self, clerk: str, at: datetime, ip: str | None = None) -> tuple[str, str]:
        """Sign somebody in; return the session, and the event's id."""
        session = f"s-{self.random.getrandbits(40):x}"
        address = ip or CLERKS[clerk]
        ident = self.tell(
            at, "access.signin", clerk, ("account", clerk), kind="person", session=session, ip=address
        )
        return session, ident

    def order(self, number: str, at: datetime, price: int = 12_000, version: str = "2.4.0") -> str:
        """Let an order come, be priced and paid; return the id of its pricing."""
        line = ("order_line", f"{number}/1")
        self.tell(
            at, "order.create", "shop", ("order", number), order=number, changes={"/status": (None, "received")},
            version=version, trace=f"t-{number}",
        )  # fmt: skip
        rule = Link("pricing", "rule", self.random.choice(_RULES))
        lowered = price * 9 // 10
        ident = self.tell(
            at + timedelta(seconds=20), "order.price.change", "pricing", line, order=number, version=version,
            changes={"/unit_price": (money(price), money(lowered))}, links=(rule,), trace=f"t-{number}",
        )  # fmt: skip
        self.tell(
            at + timedelta(minutes=1), "payment.authorize", "shop", ("payment", f"P-{number}"), order=number,
            changes={"/amount": (None, money(lowered))}, version=version, trace=f"t-{number}",
        )  # fmt: skip
        return ident


def money(amount: int) -> dict[str, Any]:
    """Return an amount of euro cents as events have it."""
    return {"amount": amount, "currency": "EUR"}


def script(seed: int, orders: int = 120) -> Script:
    """Write an ordinary working day."""
    told = Script(Random(seed))
    random = told.random
    for days in range(-4, 1):
        for clerk, address in CLERKS.items():
            begin = DAY + timedelta(days=days, hours=1, minutes=random.randrange(60))
            session, _ = told.session(clerk, begin)
            for n in range(4):
                number = f"SO-{days + 9}{clerk[-1]}{n}"
                told.tell(
                    begin + timedelta(minutes=10 + n * 40), "order.approve", clerk, ("order", number), order=number,
                    kind="person", session=session, ip=address, changes={"/status": ("accepted", "processing")},
                )  # fmt: skip
    told.tell(DAY - timedelta(days=9), "settings.change", "ci", ("deployment", "2.4.0"))
    for rule in _RULES:
        told.tell(
            DAY - timedelta(days=20), "rule.change", "clerk-1", ("rule", rule), kind="person",
            changes={"/percent": (0, 10)},
        )  # fmt: skip
    for n in range(orders):
        told.order(
            f"SO-2{n:03d}",
            DAY + timedelta(minutes=6 * n + random.randrange(5)),
            random.randrange(2_000, 30_000),
        )
    return told


def _decoys(told: Script, at: datetime) -> None:
    """Let innocent things happen shortly before."""
    told.tell(
        at - timedelta(minutes=25), "settings.change", "clerk-2", ("settings", "notify"), kind="person",
        changes={"/digest": ("daily", "hourly")},
    )  # fmt: skip
    told.tell(
        at - timedelta(minutes=50), "access.role.change", "clerk-3", ("account", "clerk-8"), kind="person",
        changes={"/roles": ("reader", "reader approver")},
    )  # fmt: skip
    told.tell(
        at - timedelta(minutes=90), "rule.change", "clerk-1", ("rule", "shipping-free"), kind="person",
        changes={"/from": (5_000, 4_000)},
    )  # fmt: skip


def bad_deployment(seed: int) -> Incident:
    """A new version prices wrongly; asked is why one order was captured for too little."""
    told, at = script(seed), DAY + timedelta(hours=7)
    _decoys(told, at + timedelta(hours=1))
    root = told.tell(
        at, "settings.change", "ci", ("deployment", "2.5.0"), changes={"/running": ("2.4.0", "2.5.0")}
    )
    asked = ""
    for n in range(12):
        number, when = f"SO-9{n:03d}", at + timedelta(minutes=10 + n * 7)
        told.order(number, when, 20_000, version="2.5.0")
        told.tell(
            when + timedelta(seconds=30), "order.price.change", "pricing", ("order_line", f"{number}/1"), order=number,
            changes={"/unit_price": (money(18_000), money(180))}, version="2.5.0", trace=f"t-{number}",
        )  # fmt: skip
        asked = told.tell(
            when + timedelta(minutes=3), "payment.capture", "shop", ("payment", f"P-{number}"), order=number,
            changes={"/captured": (None, money(180))}, version="2.5.0",
        )  # fmt: skip
    return _done("bad deployment", told, asked, root)


def stolen_session(seed: int) -> Incident:
    """Somebody signs in as a clerk from elsewhere, changes prices and refunds; asked is about the refund."""
    told, at = script(seed), DAY + timedelta(hours=8)
    _decoys(told, at)
    session, root = told.session("clerk-5", at, "203.0.113.66")
    tell = partial(told.tell, kind="person", session=session, ip="203.0.113.66")
    asked = ""
    for n in range(4):
        number = f"SO-20{10 + n}"
        tell(at + timedelta(minutes=3 + n), "order.read", "clerk-5", ("order", number), order=number)
        asked = tell(
            at + timedelta(minutes=9 + n), "payment.refund", "clerk-5", ("payment", f"P-{number}"), order=number,
            changes={"/refunded": (None, money(9_000))},
        )  # fmt: skip
    return _done("stolen session", told, asked, root)


def wrong_rule(seed: int) -> Incident:
    """A rule of prices is set to fifty per cent instead of five; asked is about one order's price."""
    told, at = script(seed), DAY + timedelta(hours=9)
    _decoys(told, at + timedelta(minutes=40))
    session, _ = told.session("clerk-4", at - timedelta(hours=1))
    root = told.tell(
        at, "rule.change", "clerk-4", ("rule", "loyalty"), kind="person", session=session, ip=CLERKS["clerk-4"],
        changes={"/percent": (5, 50)},
    )  # fmt: skip
    asked = ""
    for n in range(8):
        number, when = f"SO-8{n:03d}", at + timedelta(minutes=5 + n * 11)
        told.order(number, when, 20_000)
        asked = told.tell(
            when + timedelta(seconds=40), "order.price.change", "pricing", ("order_line", f"{number}/1"), order=number,
            changes={"/unit_price": (money(18_000), money(9_000))}, links=(Link("pricing", "rule", "loyalty"),),
            version="2.4.0", trace=f"t-{number}",
        )  # fmt: skip
    return _done("misconfigured price rule", told, asked, root)


def retry_storm(seed: int) -> Incident:
    """A gateway does not answer once, and a job tries again and again; asked is about one of the late tries."""
    told, at = script(seed), DAY + timedelta(hours=10)
    _decoys(told, at)
    number = "SO-2050"
    root, asked = "", ""
    for n in range(60):
        ident = told.tell(
            at + timedelta(seconds=20 * n), "payment.capture", "billing", ("payment", f"P-{number}"), order=number,
            outcome="failed" if n < 50 else "success", trace=f"retry-{n}", changes={"/captured": (None, money(9_000))},
        )  # fmt: skip
        root = root or ident
        asked = ident
    return _done("retry storm", told, asked, root)


def duplicate_webhook(seed: int) -> Incident:
    """A message comes twice under two ids; asked is about what the second one did."""
    told, at = script(seed), DAY + timedelta(hours=6, minutes=30)
    _decoys(told, at + timedelta(minutes=20))
    number, sha = "SO-2040", f"{told.random.getrandbits(256):064x}"
    asked = root = ""
    for n, delivery in enumerate(("d-1", "d-2")):
        when = at + timedelta(minutes=15 * n)
        name = f"{delivery}-{told.random.getrandbits(32):x}"
        ident = told.tell(
            when, "intake.receive", "intake", ("delivery", name), source="shopify/main",
            changes={"/sha256": (None, sha), "/accepted": (None, 1)},
        )  # fmt: skip
        root = ident
        asked = told.tell(
            when + timedelta(seconds=4), "payment.capture", "billing", ("payment", f"P-{number}-{n}"), order=number,
            changes={"/captured": (None, money(9_000))}, cause=Cause("message", name),
        )  # fmt: skip
    return _done("duplicate webhook", told, asked, root)


def clock_skew(seed: int) -> Incident:
    """The clock of one warehouse jumps ahead; its later updates count as older, and are refused as late."""
    told, at = script(seed), DAY + timedelta(hours=9, minutes=20)
    _decoys(told, at + timedelta(minutes=30))
    root = asked = ""
    for n in range(30):
        real = at + timedelta(minutes=4 * (n - 10))
        wrong = real + timedelta(minutes=47) if n >= 10 else real
        number = f"SO-2{30 + n:03d}"
        late = n >= 20
        ident = told.tell(
            wrong, "intake.late" if late else "shipment.update", "intake" if late else "warehouse",
            ("message", f"m-{n}") if late else ("shipment", f"F-{number}"), order=number, source="warehouse/south",
            changes={"/status": ("packed", "shipped")}, recorded=real + timedelta(seconds=3),
        )  # fmt: skip
        if n == 10:
            root = ident
        asked = ident
    return _done("clock skew", told, asked, root)


def manual_sql(seed: int) -> Incident:
    """Somebody changes a price in the database, past the application; asked is about the capture it led to."""
    told, at = script(seed), DAY + timedelta(hours=5)
    number = "SO-2030"
    _decoys(told, at + timedelta(hours=2))
    root = told.tell(
        at, "capture.bypass", "postgres:dba", ("order_line", f"{number}/1"), order=number, kind="system",
        changes={"/unit_price": (money(12_000), money(1_200))},
    )  # fmt: skip
    session, _ = told.session("clerk-6", at + timedelta(hours=1))
    told.tell(
        at + timedelta(hours=2), "order.confirm", "clerk-6", ("order", number), order=number, kind="person",
        session=session, ip=CLERKS["clerk-6"], changes={"/status": ("validated", "accepted")},
    )  # fmt: skip
    asked = told.tell(
        at + timedelta(hours=3), "payment.capture", "shop", ("payment", f"P-{number}"), order=number,
        changes={"/captured": (None, money(1_200))}, version="2.4.0",
    )  # fmt: skip
    return _done("manual SQL", told, asked, root)


def insider(seed: int) -> Incident:
    """A clerk gives themselves the right to refund, and uses it the next day; asked is about the refund."""
    told, at = script(seed), DAY + timedelta(hours=4)
    _decoys(told, at + timedelta(hours=3))
    admin, _ = told.session("clerk-7", at - timedelta(minutes=30))
    root = told.tell(
        at, "access.role.change", "clerk-7", ("account", "clerk-7"), kind="person", session=admin,
        ip=CLERKS["clerk-7"], changes={"/roles": ("order.editor", "order.editor refunds")},
    )  # fmt: skip
    session, _ = told.session("clerk-7", at + timedelta(hours=3))
    asked = told.tell(
        at + timedelta(hours=3, minutes=20), "payment.refund", "clerk-7", ("payment", "P-SO-2020"), order="SO-2020",
        kind="person", session=session, ip=CLERKS["clerk-7"], changes={"/refunded": (None, money(9_000))},
    )  # fmt: skip
    return _done("insider", told, asked, root)


def leaked_key(seed: int) -> Incident:
    """A key is made for a service and used by somebody else to cancel orders; asked is about one of these."""
    told, at = script(seed), DAY + timedelta(hours=8, minutes=10)
    _decoys(told, at)
    root = told.tell(
        at - timedelta(hours=6), "access.key.create", "clerk-2", ("key", "erp-export"), kind="person",
        changes={"/roles": (None, "order.editor")},
    )  # fmt: skip
    asked = ""
    for n in range(6):
        number = f"SO-20{60 + n}"
        asked = told.tell(
            at + timedelta(minutes=n), "order.cancel", "erp-export", ("order", number), order=number,
            ip="203.0.113.99", changes={"/status": ("accepted", "cancelled")},
        )  # fmt: skip
    return _done("leaked key", told, asked, root)


def fraud(seed: int) -> Incident:
    """A clerk lowers a price after approval; asked is about the capture."""
    told, at = script(seed), DAY + timedelta(hours=6)
    _decoys(told, at + timedelta(minutes=55))
    number = "SO-2045"
    session, _ = told.session("clerk-3", at - timedelta(minutes=40))
    root = told.tell(
        at, "order.price.change", "clerk-3", ("order_line", f"{number}/1"), order=number, kind="person",
        session=session, ip=CLERKS["clerk-3"], changes={"/unit_price": (money(12_000), money(3_000))},
    )  # fmt: skip
    asked = told.tell(
        at + timedelta(hours=1), "payment.capture", "shop", ("payment", f"P-{number}"), order=number,
        changes={"/captured": (None, money(3_000))}, version="2.4.0",
    )  # fmt: skip
    return _done("price lowered by hand", told, asked, root)


INCIDENTS: tuple[Callable[[int], Incident], ...] = (
    bad_deployment,
    stolen_session,
    wrong_rule,
    retry_storm,
    duplicate_webhook,
    clock_skew,
    manual_sql,
    insider,
    leaked_key,
    fraud,
)


def _done(kind: str, told: Script, asked: str, root: str) -> Incident:
    told.events.sort(key=lambda one: one[0])
    return Incident(
        kind, [event for _, event in told.events], [format_time(at) for at, _ in told.events], asked, root
    )
