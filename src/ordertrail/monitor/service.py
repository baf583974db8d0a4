"""Watching, as programs are handed it: the rules in force, the watch over the log, and alerts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from msgspec import UNSET

from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import BusyError, InputError
from ordertrail.kernel.ids import new_id
from ordertrail.monitor.alerts import lifecycle
from ordertrail.monitor.alerts.alert import Alert, Disposition, Transition
from ordertrail.monitor.alerts.incidents import Incident, incidents
from ordertrail.monitor.ports import AlertQuery, RuleFiles, Standing
from ordertrail.monitor.rules.approval import Approvals, WaitingRules
from ordertrail.monitor.rules.reading import read_rules
from ordertrail.monitor.rules.rule import Rule
from ordertrail.monitor.rules.rulebook import Rulebook, shipped_rules
from ordertrail.monitor.stream.backtest import Backtest, backtest
from ordertrail.monitor.watch import Surroundings, Watch, announce
from ordertrail.query.ports import Searches
from ordertrail.record.event import Actor, Change, Context, Event, Subject

_TRIES = 5
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Monitor:
    """Watches a trail, by its parts.

    ::

        monitor.watch().step()                              # what was sealed since
        monitor.alerts(AlertQuery(least=Level.HIGH))
        monitor.take("A-0f3c…", by="auditor-2")
        monitor.backtest(monitor.rules(), "price_lowered_much", start, end)
    """

    around: Surroundings
    files: RuleFiles
    searches: Searches
    silenced: frozenset[str] = frozenset()
    """Names of shipped rules that are not in force."""
    approvals: Approvals | None = None
    """What takes two people, where it may; None where one person's word is enough."""

    def rules(self) -> Rulebook:
        """Return the rules in force: those that are shipped, and the trail's own.

        Raises InputError naming the file and line of what is wrong.
        """
        return self._together(self._own())

    def waiting(self) -> list[WaitingRules]:
        """Return the files of rules that were saved and wait for another person's approval, by name."""
        approvals = self._asked()
        if approvals is None:
            return []
        return [one for _, one in sorted(approvals.register(self.files.read).waiting.items())]

    def strays(self) -> list[str]:
        """Return the names of files in the folder that are not what is in force: nobody approved them."""
        approvals = self._asked()
        if approvals is None:
            return []
        in_force = approvals.register(self.files.read).in_force
        return sorted(name for name, text in self.files.read().items() if in_force.get(name) != text)

    def watch(self) -> Watch:
        """Return a watch over the log, from where the last one ended."""
        return Watch(self.rules(), self.around)

    def changed_rules(
        self, refused: Callable[[InputError], None] = lambda _: None
    ) -> Callable[[], Rulebook | None]:
        """Return what returns the rules where a file of them was changed since it was asked last, else None.

        Files that cannot stand together leave the rules that are in force in force, and ``refused`` is told.
        """
        known = self.files.mark()

        def changed() -> Rulebook | None:
            nonlocal known
            now = self.files.mark()
            if now == known:
                return None
            known = now
            try:
                return self.rules()
            except InputError as error:
                refused(error)
                return None

        return changed

    def check(self, name: str, text: str) -> list[Rule]:
        """Return the rules of a file as it would be saved. Raises InputError with lines and reasons."""
        self._together(self._own() | {name: text})
        return read_rules(text)

    def save(self, name: str, text: str, actor: Actor, reason: str) -> list[Rule]:
        """Put a file of rules in force: checked, on record, then written. Raises InputError with lines and reasons.

        Where approval is asked for, it waits instead until another person approved it.
        """
        if not reason.strip():
            raise InputError("a rule is changed for a reason; say which")
        rules = self.check(name, text)
        approvals = self._asked()
        if approvals is not None:
            approvals.propose(name, text, actor, reason)
            return rules
        before = self.files.read().get(name)
        self.around.door([self._rule_changed(name, before, text, actor, reason)])
        self.files.write(name, text)
        return rules

    def approve(self, name: str, sha256: str, actor: Actor, reason: str) -> list[Rule]:
        """Put in force what another person saved: on record, then written. ``sha256`` is of the text that was read.

        *If we stop here* before it is written, it is in force all the same: the log says so, and the folder is a copy.
        """
        approvals = self._needed()
        waiting = approvals.register(self.files.read).waiting.get(name)
        if waiting is not None:
            self.check(name, waiting.text)
        text = approvals.approve(name, sha256, actor, reason)
        self.files.write(name, text)
        return read_rules(text)

    def reject(self, name: str, actor: Actor, reason: str) -> None:
        """Turn down what somebody saved, or take it back."""
        self._needed().reject(name, actor, reason)

    def backtest(self, rules: Rulebook, name: str, start: datetime, end: datetime) -> Backtest:
        """Look at the past with a rule, as the index has it."""
        return backtest(rules.only(name), self.searches, list(self.around.actions), (start, end))

    def standing(self) -> Standing:
        """Say where the watch is."""
        return self.around.store.standing()

    def lag(self) -> int:
        """Return how many sealed events no watch has looked at yet."""
        places = self.standing().places
        sizes = ((stream, self.around.log.size(stream)) for stream in self.around.streams)
        return sum(max(0, size - places.get(stream, 0)) for stream, size in sizes)

    def alerts(self, query: AlertQuery) -> Sequence[Alert]:
        """Return alerts, the gravest first."""
        return self.around.alerts.find(query)

    def incidents(self, query: AlertQuery) -> Sequence[Incident]:
        """Return the incidents that alerts make, the gravest first."""
        return incidents(self.around.alerts.find(query))

    def alert(self, name: str) -> Alert:
        """Return an alert. Raises InputError where there is none of this id."""
        found = self.around.alerts.get([name]).get(name)
        if found is None:
            raise InputError(
                f"there is no alert {name[:80]!r}",
                meaning="Nothing was changed.",
                remedy="See which there are with 'ordertrail alerts list'.",
            )
        return found

    def life(self, name: str) -> Sequence[Transition]:
        """Return what became of an alert, step by step. Raises InputError where there is none of this id."""
        return self.around.lives.life(self.alert(name).id)

    def take(self, name: str, by: str) -> Alert:
        """Make an alert one's own."""
        return self._do(name, lambda alert, now: lifecycle.take(alert, by, now))

    def snooze(self, name: str, by: str, until: str, reason: str) -> Alert:
        """Set an alert aside until a time."""
        return self._do(name, lambda alert, now: lifecycle.snooze(alert, by, now, until, reason))

    def wake(self, name: str, by: str) -> Alert:
        """Bring an alert back that was set aside."""
        return self._do(name, lambda alert, now: lifecycle.wake(alert, now, by))

    def escalate(self, name: str, by: str, reason: str, to: str | None = None) -> Alert:
        """Hand an alert on."""
        return self._do(name, lambda alert, now: lifecycle.escalate(alert, by, now, reason, to))

    def close(self, name: str, by: str, disposition: Disposition, reason: str) -> Alert:
        """Say what an alert turned out to be; of a grave one, that is a proposal at first."""
        return self._do(name, lambda alert, now: lifecycle.close(alert, by, now, disposition, reason))

    def reopen(self, name: str, by: str, reason: str) -> Alert:
        """Take a closed alert up again."""
        return self._do(name, lambda alert, now: lifecycle.reopen(alert, by, now, reason))

    def _do(self, name: str, deed: Callable[[Alert, str], Transition]) -> Alert:
        """Do something with an alert as it is now, and put it on record; who came too late looks again."""
        alerts = self.around.alerts
        for _ in range(_TRIES):
            transition = deed(self.alert(name), format_time(self.around.clock()))
            if alerts.change(transition):
                announce(self.around, [transition])
                return transition.alert
        raise BusyError(f"alert {name} is being changed by others", meaning="Nothing was changed.")

    def _own(self) -> dict[str, str]:
        """Return the texts of the trail's own rules that are in force, by the names of their files."""
        approvals = self._asked()
        if approvals is None:
            return dict(self.files.read())
        return dict(approvals.register(self.files.read).in_force)

    def _asked(self) -> Approvals | None:
        """Return what takes two people, where that is asked for now."""
        return self.approvals if self.approvals is not None and self.approvals.required() else None

    def _needed(self) -> Approvals:
        approvals = self._asked()
        if approvals is None:
            raise InputError(
                "rules of this trail need no approval",
                remedy='Ask for it with rules = "required" in [governance] of trail.toml.',
            )
        return approvals

    def _together(self, files: dict[str, str]) -> Rulebook:
        own = [rule for text in files.values() for rule in read_rules(text)]
        shipped = [rule for rule in shipped_rules() if rule.about.name not in self.silenced]
        return Rulebook.of([*shipped, *own])

    def _rule_changed(self, name: str, before: str | None, text: str, actor: Actor, reason: str) -> Event:
        return Event(
            id=new_id(),
            time=format_time(self.around.clock()),
            action="rule.change",
            actor=actor,
            subject=Subject("rule", name),
            changes=(Change("/text", UNSET if before is None else before, text),),
            context=Context(reason=reason),
        )
