"""Every change of who may do what is an event, through the trail's own door.

An event is recorded *before* the change is made. If we stop between the two, the trail tells of a change that did not
come about, which a look at the accounts shows; the other way round, a change could be made that nobody is ever told of.
Where the change then fails, a second event says that it failed.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from ordertrail.access.account import Account
from ordertrail.access.principal import Principal
from ordertrail.kernel.clock import Clock, format_time
from ordertrail.kernel.ids import new_id
from ordertrail.record.event import Actor, ActorKind, Cause, Change, Context, Event, Outcome, Subject

Record = Callable[[Sequence[Event]], object]
"""Records events: durable when it returns."""

NOBODY = Actor("unknown", "person")
"""Who tried to come in under a name that nobody has. What was typed is not told: it may be somebody's password."""

_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Where:
    """From where somebody asks, as far as it is known."""

    ip: str | None = None
    user_agent: str | None = None
    request: str | None = None
    trace: str | None = None
    channel: str = "web"


def actor_of(who: Principal | Account) -> Actor:
    """Return who does something, as events name them."""
    kind: ActorKind = "person" if who.kind == "person" else "service"
    session = who.session if isinstance(who, Principal) else None
    return Actor(who.id, kind, tuple(map(str, who.roles)), None, session)


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody does: what the event of it says."""

    action: str
    actor: Actor
    subject: Subject
    where: Where
    reason: str = ""
    changes: Sequence[Change] = ()


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells the trail."""

    record: Record
    clock: Clock

    def tell(self, deed: Deed, *, outcome: Outcome = "success", cause: str | None = None) -> str:
        """Record an event; return its id. Raises what the trail's door raises."""
        event = Event(
            id=new_id(),
            time=format_time(self.clock()),
            action=deed.action,
            actor=deed.actor,
            subject=deed.subject,
            outcome=outcome,
            changes=tuple(deed.changes),
            context=_context(deed.where, deed.reason),
            cause=None if cause is None else Cause("event", cause),
        )
        self.record([event])
        return event.id

    @contextmanager
    def telling(self, deed: Deed) -> Iterator[None]:
        """Record an event, then let the change be made; if that fails, record that it failed."""
        told = self.tell(deed)
        try:
            yield
        except Exception:
            self.tell(replace(deed, changes=()), outcome="failed", cause=told)
            raise


def _context(where: Where, reason: str) -> Context:
    return Context(
        ip=where.ip,
        user_agent=_line(where.user_agent),
        request=_line(where.request),
        trace=where.trace,
        channel=where.channel,
        source="ordertrail",
        reason=_line(reason),
    )


def _line(text: str | None) -> str | None:
    """Return a text as one line that an entry has room for, None for an empty one."""
    told = "".join(one if one.isprintable() else " " for one in text or "").strip()
    return told[:_LONGEST] or None
