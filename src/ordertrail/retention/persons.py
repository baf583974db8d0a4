"""People and their data: what is kept of one, told to whoever asks for it, and erased where no law is against it.

A request to be erased has five steps, each an event of the deletion log: somebody asks, and says how it was seen that
the person did; what would be lost is told, with what the law keeps; somebody else agrees; the key is destroyed; and the
certificate is written. *If we stop* between key and certificate, the request is still open, and gone on with: the key
is destroyed once more, which changes nothing, and the certificate is written.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import InputError, Problem
from ordertrail.kernel.ids import new_id
from ordertrail.record.encoding import encode
from ordertrail.record.entry import read_entry
from ordertrail.record.event import Actor, Event, Subject
from ordertrail.record.sealing import sealed_values
from ordertrail.retention.access_report import AccessReport, Opened, PersonalValue
from ordertrail.retention.erasure import (
    LEGAL_CLAIMS,
    LEGAL_OBLIGATION,
    SUBJECT,
    Conflict,
    Erasure,
    ErasureCertificate,
    ErasureState,
    PersonalField,
    Scope,
)
from ordertrail.retention.hold import holding
from ordertrail.retention.purging import rows_of
from ordertrail.retention.service import Retention

_REVEAL = "identity.reveal"


@dataclass(frozen=True, slots=True)
class Persons:
    """The people whose sealed data a trail keeps."""

    retention: Retention

    def scope(self, person: str) -> Scope:
        """Say what of a person is there, and what keeps it from being erased; nothing is changed.

        Reads every entry that is there, those that holds keep beyond their term too.
        """
        fields = list(self._fields(person))
        events = {one.event.id: one for one in fields}
        times = sorted(one.event.time for one in events.values())
        return Scope(
            person=person,
            known=self.retention.personal.knows(person),
            values=len(fields),
            events=len(events),
            orders=len({one.event.subject.order for one in fields} - {None}),
            streams=tuple(sorted({one.stream for one in fields})),
            first=times[0] if times else None,
            last=times[-1] if times else None,
            conflicts=tuple(self._conflicts({one.event.id: one for one in fields}.values())),
            bundles=tuple(self.retention.copies.of({(one.event.id, one.path) for one in fields})),
        )

    def request(self, actor: Actor, person: str, reason: str, identity: str) -> Erasure:
        """Ask for a person to be erased; ``identity`` says how it was seen that the person asked for it.

        Raises RetentionRefusedError, with the articles, where a hold or a duty goes before; the attempt is on record.
        """
        wanted = (("person", person), ("reason", reason), ("identity", identity))
        lacking = [Problem(name, "must be told") for name, value in wanted if not value.strip()]
        if lacking:
            raise InputError(lacking, meaning="Nothing was asked for.")
        open_ = [one for one in self._open() if one.person == person]
        if open_:
            raise InputError(f"{open_[0].id} asks for {person} already", remedy="Have it approved.")
        scope = self.scope(person)
        if not scope.known:
            raise InputError(f"there is no key of {person}: nothing of theirs can be read, or ever could")
        self._require_free(actor, scope)
        asked = Erasure(new_id(), person, identity, reason, actor.id, format_time(self.retention.clock()))
        self.retention.tell(
            "retention.request", actor, Subject(SUBJECT, asked.id), reason, asked.changes(scope)
        )
        return asked

    def erase(self, actor: Actor, erasure_id: str) -> ErasureCertificate:
        """Agree to what somebody else asked for: destroy the person's key, and certify it."""
        register = self.retention.register()
        done = register.erased.get(erasure_id)
        if done is not None:
            return done
        asked = register.erasures.get(erasure_id)
        if asked is None:
            raise InputError(f"nobody asked for an erasure {erasure_id!r}")
        if asked.requester == actor.id:
            raise self.retention.refused(
                actor,
                Subject(SUBJECT, erasure_id),
                "nobody approves what they asked for",
                f"{actor.id} asked for {erasure_id}",
                "Have somebody else approve it.",
            )
        scope = self.scope(asked.person)
        self._require_free(actor, scope)
        self.retention.personal.erase(asked.person, actor, asked.reason)
        for bundle in scope.bundles:
            self.retention.copies.remove(
                bundle, actor, f"it opened data of a person who was erased: {asked.id}"
            )
        policy = self.retention.policy()
        certificate = ErasureCertificate(
            id=asked.id,
            person=asked.person,
            values=scope.values,
            events=scope.events,
            identity=asked.identity,
            requester=asked.requester,
            approver=actor.id,
            holds_checked=tuple(hold.id for hold, _ in self.retention.holds()),
            duties_checked=tuple(one.name for one in policy.classes if one.duty),
            bundles=self._removed(scope, asked),
        )
        self.retention.tell(
            "person.erase", actor, Subject(SUBJECT, asked.id), asked.reason, certificate.changes()
        )
        return self.retention.register().erased[asked.id]

    def _removed(self, scope: Scope, asked: Erasure) -> tuple[str, ...]:
        """Return the bundles that are gone: those of now, and those that were to go when it was asked for."""
        return tuple(sorted({*scope.bundles, *asked.bundles}))

    def report(self, actor: Actor, person: str, reason: str) -> AccessReport:
        """Return all that is kept of a person, opened (Art. 15); that it was told, to whom and why, is on record first.

        Raises InputError where there is no key: nothing of the person can be read.
        """
        if not reason.strip():
            raise InputError("why, must be told; it is put on record")
        if not self.retention.personal.knows(person):
            raise InputError(f"there is no key of {person}: nothing of theirs can be read, or ever could")
        fields = list(self._fields(person))
        self.retention.tell(_REVEAL, actor, Subject("person", person), reason, ())
        policy, due_by = self.retention.policy(), self._due_by()
        values = []
        for one in fields:
            cls = policy.named(one.stream)
            due = None if cls is None else due_by[cls.name](one.event)
            values.append(
                PersonalValue(
                    event=one.event.id,
                    time=one.event.time,
                    action=one.event.action,
                    order=one.event.subject.order,
                    path=_named(one),
                    value=self.retention.personal.open(one.event, one.path),
                    source=_source(one.event),
                    purpose="" if cls is None else cls.basis,
                    term="" if cls is None else f"{cls.term} from {cls.trigger}",
                    until=None if due is None else format_time(due),
                )
            )
        opened = tuple(self._openings(person, {one.event.id for one in fields}))
        made = format_time(self.retention.clock())
        return AccessReport(person, made, actor.id, reason, tuple(values), opened)

    def _require_free(self, actor: Actor, scope: Scope) -> None:
        if scope.conflicts:
            raise self.retention.refused(
                actor,
                Subject("person", scope.person),
                "what the law keeps is not erased",
                "; ".join(map(str, scope.conflicts)),
                "Answer the person with the article (Art. 12(4)), and ask again when hold or duty is over.",
            )

    def _open(self) -> list[Erasure]:
        known = self.retention.register().erasures.values()
        return [one for one in known if one.state is ErasureState.REQUESTED]

    def _fields(self, person: str) -> Iterator[PersonalField]:
        """Yield a person's sealed values in all logs, and in what holds keep of destroyed ranges."""
        mark = b'"person":' + encode([person])[1:-1]
        for name, log in self.retention.logs.items():
            for row in rows_of(log):
                if mark in row.entry:
                    yield from _fields_of(row.entry, name, person)
        for entry in self.retention.lifted_entries():
            if mark in entry:
                yield from _fields_of(entry, "held", person)

    def _conflicts(self, fields: Iterable[PersonalField]) -> Iterator[Conflict]:
        holds, policy, now = self.retention.holds(), self.retention.policy(), self.retention.clock()
        due_by = self._due_by()
        classes_by = {cls.name: self.retention.classes_by(cls) for cls in policy.classes}
        held, duties = Counter[str](), Counter[str]()
        for one in fields:
            held.update(holding(one.event, holds))
            cls = policy.named(one.stream)
            if cls is None:
                continue
            due = due_by[cls.name](one.event)
            if due is None or due > now:
                duties.update(kept.name for kept in classes_by[cls.name](one.event) if kept.duty)
        for hold, _ in holds:
            if held[hold.id]:
                yield Conflict(LEGAL_CLAIMS, f"hold {hold.id}, {hold.reason}", held[hold.id])
        for cls in policy.classes:
            if duties[cls.name]:
                source = f", {cls.source}" if cls.source else ""
                yield Conflict(LEGAL_OBLIGATION, f"{cls.name}, {cls.basis}{source}", duties[cls.name])

    def _due_by(self) -> dict[str, Callable[[Event], datetime | None]]:
        """Return what says, class by class, from when on an event may go."""
        return {cls.name: self.retention.due_by(cls, cls.name) for cls in self.retention.policy().classes}

    def _openings(self, person: str, events: Collection[str]) -> Iterator[Opened]:
        """Yield who opened values of a person's events, and to whom all of them were told."""
        logs = [*self.retention.logs.values(), self.retention.deletions]
        for log in logs:
            for row in rows_of(log):
                if _REVEAL.encode() not in row.entry:
                    continue
                event = read_entry(row.entry).event
                subject = event.subject
                about = subject.id in events or (subject.kind, subject.id) == ("person", person)
                if event.action == _REVEAL and about:
                    reason = event.context.reason if event.context is not None else None
                    yield Opened(event.time, event.actor.kind, ", ".join(event.actor.roles), reason or "")


def _fields_of(entry: bytes, stream: str, person: str) -> Iterator[PersonalField]:
    read = read_entry(entry)
    for path in (path for path, one in sealed_values(read.event) if one.person == person):
        yield PersonalField(read.event, path, stream, read.ledger.recorded)


def _named(one: PersonalField) -> str:
    """Return what a value is of, as its reader calls it: the field that changed, and which side."""
    steps = one.path.split("/")
    if steps[1] != "changes":
        return one.path.removeprefix("/")
    below = "/".join(steps[4:])
    field = one.event.changes[int(steps[2])].path.removeprefix("/") + (f"/{below}" if below else "")
    return f"{field} ({steps[3]})"


def _source(event: Event) -> str:
    context = event.context
    return "" if context is None else " ".join(one for one in (context.channel, context.source) if one)
