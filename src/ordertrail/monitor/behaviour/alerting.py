"""From what is unusual to alerts, through the one lifecycle that alerts have.

Three rules raise them, one for orders, one for people, one for channels; their level is low, and what the alert says is
its own sentences. The same finding is the same alert, so that scoring again raises nothing twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import msgspec
from sqlalchemy import false, true

from ordertrail.monitor.alerts.alert import Alert, Transition
from ordertrail.monitor.alerts.raising import alert_id, take_in
from ordertrail.monitor.rules.expression import UNKNOWN, Bounds, Form, Test, Verdict
from ordertrail.monitor.rules.rule import DAY, About, Control, Detection, Level
from ordertrail.monitor.stream.seen import Finding, Group, Seen
from ordertrail.query.tables import Dialect


class Subject(Enum):
    """Whose behaviour it is: the name of the rule, and its title."""

    ORDER = ("behaviour_order", "An order's course deviates from what mostly happens")
    PERSON = ("behaviour_person", "A person's day is unusual for them and their role")
    CHANNEL = ("behaviour_channel", "A channel's volume is unusual")

    @property
    def rule(self) -> str:
        """The name, and the id, of the rule that raises its alerts."""
        return self.value[0]


@dataclass(frozen=True, slots=True)
class Unusual:
    """Something unusual: what it is about, how unusual by the measure of its subject, and why, in sentences.

    ``name`` is the order, person or channel; ``signature`` what deviates; ``lowered`` how many steps of feedback took
    from the score. ``evidence`` are its events by time; ``doers`` who did what deviates, where people are scored.
    """

    subject: Subject
    name: str
    tenant: str
    score: float
    signature: str
    sentences: tuple[str, ...]
    evidence: tuple[Seen, ...]
    doers: tuple[str, ...] = ()
    lowered: int = 0

    @property
    def key(self) -> Group:
        """What tells its alert from others; the signature is the last part."""
        return (self.tenant, self.name, self.signature)


@dataclass(frozen=True, slots=True)
class _Scored:
    """What a rule about scores looks for, in words: no event alone is meant, and no database is asked."""

    told: str

    def test(self) -> Test:
        """See :class:`~ordertrail.monitor.rules.expression.Node`."""
        return lambda _event: False

    def bounds(self, dialect: Dialect) -> Bounds:  # noqa: ARG002
        """See the protocol."""
        return Bounds(false(), true())

    def of(self, form: Form) -> Verdict:  # noqa: ARG002
        """See the protocol."""
        return UNKNOWN

    def words(self) -> str:
        """See the protocol."""
        return self.told


def raised(
    unusual: Unusual, known: Mapping[str, Alert], now: str, large: Mapping[str, int]
) -> Transition | None:
    """Return the transition that raises an alert, or changes one that is ``known``; None where nothing is new."""
    finding = _finding(unusual)
    alert, transition = take_in(known.get(alert_id(finding)), [finding], _rule(unusual), now, large)
    if transition is None:
        return None
    alert = msgspec.structs.replace(alert, asked=_asked(unusual))
    return msgspec.structs.replace(transition, alert=alert)


def alert_of(unusual: Unusual) -> str:
    """Return the id of the alert that something unusual raises."""
    return alert_id(_finding(unusual))


def _finding(unusual: Unusual) -> Finding:
    first = unusual.evidence[0]
    return Finding(
        unusual.subject.rule,
        unusual.key,
        first.time - first.time % DAY,
        unusual.evidence[-1],
        unusual.evidence,
        max(1, round(unusual.score)),
        unusual.doers,
    )


def _asked(unusual: Unusual) -> str:
    told = " ".join(unusual.sentences).rstrip(".")
    return f"what mostly does not happen; here: {told}"


def _rule(unusual: Unusual) -> Detection:
    rule, title = unusual.subject.value
    about = About(
        id=rule,
        name=rule,
        title=title,
        description="Unsupervised: it says what is unusual, not what is wrong.",
        level=Level.LOW,
        control=Control.LIFECYCLE if unusual.subject is Subject.ORDER else None,
    )
    return Detection(about, _Scored(unusual.signature))
