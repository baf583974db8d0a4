"""Corrective actions, as programs are handed them: forecasts become suggestions, decisions become deeds, once.

Carrying one out goes in four steps:

1. **Take on**: the suggestion is kept as running, for as long as a lease. *If we stop here*, another takes it over when
   the lease ends. Of two at once, one is told that it came too late.
2. **Record** that it begins, in the trail. *If we stop here*, the same.
3. **Do** it, under a key that is the suggestion's own. *If we stop here*, nobody knows whether it was done; it is asked
   again under the same key, and is not done twice.
4. **Keep and record** what came of it. *If we stop here* before it is recorded, the next look records it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ordertrail.kernel.backoff import Backoff
from ordertrail.kernel.clock import Clock, format_time
from ordertrail.kernel.errors import (
    BusyError,
    ConfigurationError,
    InputError,
    OrderTrailError,
    UnavailableError,
)
from ordertrail.monitor.actions import lifecycle
from ordertrail.monitor.actions.catalogue import ActionCatalogue, OperationKind
from ordertrail.monitor.actions.effect import Effect, effects
from ordertrail.monitor.actions.mandate import Mandate, Mandates
from ordertrail.monitor.actions.ports import (
    Allowance,
    Ask,
    Board,
    Changed,
    Door,
    Operation,
    Outcomes,
    SuggestionQuery,
    SuggestionStore,
)
from ordertrail.monitor.actions.suggesting import offers
from ordertrail.monitor.actions.suggestion import OPEN, State, Suggestion, Transition, suggestion_id
from ordertrail.monitor.forecast.forecast import Forecast, Verdict
from ordertrail.query.projection import moment_microseconds

AT_RISK: Final = 100_000
"""Millionths of probability from which on people see a forecast that does not say that a breach is to come."""
HOUR: Final = timedelta(hours=1)
GRACE: Final = timedelta(hours=1)
"""For how long after a horizon's end events that happened before it may still be sealed."""

BACKOFF: Final = Backoff(timedelta(seconds=5), timedelta(minutes=15), attempts=8)
"""What cannot be carried out is tried for half an hour or so, and then it is a person's again."""

_TOLD: Final = 500
_TRIES: Final = 5
_LONGEST_RESULT: Final = 400


@dataclass(frozen=True, slots=True)
class Actions:
    """Corrective actions of a trail, by their parts.

    ::

        actions.consider(forecasts)                       # suggestions, of which mandates accept some
        actions.accept("S-0f3c…", by="auditor-2", reason="the customer confirmed")
        actions.run()                                     # carries out what is due, and records it
        actions.undo("S-0f3c…", by="auditor-2", reason="a mistake")
        actions.effects()                                 # treated beside held out, with uncertainty
    """

    store: SuggestionStore
    board: Board
    catalogue: ActionCatalogue
    operations: Mapping[OperationKind, Operation]
    mandates: Mandates
    outcomes: Outcomes
    door: Door
    clock: Clock
    backoff: Backoff = BACKOFF

    def consider(self, forecasts: Iterable[Forecast]) -> list[Suggestion]:
        """Keep forecasts for people to see, suggest what is best for each, let mandates decide; return what is new.

        Once for an order, a target and an action. A suggestion that nobody decided on is let go where the forecast does
        not say so any more.
        """
        known = list(forecasts)
        risky = [one for one in known if _is_risky(one)]
        self.board.put(risky, [one for one in known if not _is_risky(one)])
        standing = self._standing(known)
        mandates = self.mandates.in_force()
        made: list[Suggestion] = []
        for forecast in known:
            key = (forecast.tenant, forecast.order, forecast.target)
            found = offers(forecast, self.catalogue)
            if key in standing:
                if not found:
                    self._let_go(standing[key])
                continue
            new = self._make(forecast, found[0].action.name) if found else None
            if new is not None:
                made.append(self._by_mandate(new, mandates))
                standing[key] = made[-1]
        self.tell()
        return made

    def at_risk(
        self, tenants: frozenset[str] | None = None, limit: int = 200, target: str | None = None
    ) -> Sequence[Forecast]:
        """Return the newest forecasts of open orders at risk, of one target or all, the most probable breach first."""
        return self.board.riskiest(moment_microseconds(self.clock()), tenants, limit, target)

    def suggestion(self, name: str) -> Suggestion:
        """Return a suggestion. Raises InputError where there is none of this id."""
        found = self.store.get([name]).get(name)
        if found is None:
            raise InputError(
                f"there is no suggestion {name[:80]!r}",
                meaning="Nothing was changed.",
                remedy="See which there are with 'ordertrail actions suggestions'.",
            )
        return found

    def find(self, query: SuggestionQuery) -> Sequence[Suggestion]:
        """Return suggestions, those of the greatest gain first."""
        return self.store.find(query)

    def accept(self, name: str, by: str, reason: str) -> Suggestion:
        """Have a suggestion carried out."""
        return self._do(name, lambda one, now: lifecycle.accept(one, by, reason, now))

    def dismiss(self, name: str, by: str, reason: str) -> Suggestion:
        """Decide against a suggestion."""
        return self._do(name, lambda one, now: lifecycle.dismiss(one, by, reason, now))

    def undo(self, name: str, by: str, reason: str) -> Suggestion:
        """Have undone what was done. Raises InputError where it cannot be."""
        action = self.catalogue.named(self.suggestion(name).action)
        if not action.undone:
            raise InputError(
                f"{action.title!r} cannot be undone",
                meaning="Nothing was changed; what was done stays on record.",
                remedy="Put right by hand what it did, and record that.",
            )
        return self._do(name, lambda one, now: lifecycle.revoke(one, by, reason, now))

    def run(self, limit: int = 100) -> int:
        """Carry out and undo what is due; return how much was done."""
        self.tell()
        done = 0
        for one in self.store.due(format_time(self.clock()), limit):
            done += self._carry_out(one)
        return done

    def learn(self, limit: int = 1_000) -> int:
        """Take note of what became of orders whose horizons ended a while ago; return of how many."""
        now, learned = self.clock(), 0
        for one in self.store.unlearned(format_time(now - GRACE), limit):
            breached = self.outcomes(one)
            if breached is not None:
                learned += self._keep(lifecycle.learn(one, now, breached=breached)) is Changed.DONE
            if one.state in {State.SUGGESTED, State.WITHHELD}:
                self._let_go(self.store.get([one.id])[one.id], "its horizon ended")
        self.tell()
        return learned

    def effects(self) -> list[Effect]:
        """Compare what became of treated and held-out orders, by action and target."""
        return effects(self.store.tally())

    def tell(self) -> None:
        """Record transitions that the trail does not know of."""
        while transitions := self.store.untold(_TOLD):
            self.door(transitions)
            self.store.tell(transitions)
            if len(transitions) < _TOLD:
                return

    def _standing(self, forecasts: Sequence[Forecast]) -> dict[tuple[str | None, str, str], Suggestion]:
        """Return what is open of the orders of forecasts."""
        orders = frozenset(one.order for one in forecasts)
        if not orders:
            return {}
        found = self.store.find(SuggestionQuery(states=OPEN, orders=orders, limit=_TOLD * len(orders)))
        return {(one.tenant, one.order, one.target): one for one in found}

    def _make(self, forecast: Forecast, action: str) -> Suggestion | None:
        """Make the best suggestion; None where it was made before."""
        name = suggestion_id(forecast.order, forecast.tenant, forecast.target, action)
        if self.store.get([name]):
            return None
        best = offers(forecast, self.catalogue)[0]
        transition = lifecycle.make(forecast, best, self.catalogue, self.clock())
        return transition.suggestion if self._keep(transition) is Changed.DONE else None

    def _by_mandate(self, one: Suggestion, mandates: Iterable[Mandate]) -> Suggestion:
        """Let the first mandate that covers a suggestion decide; what is over its rate is left to a person.

        That holds for what chance withholds, too: else those held out would be of other hours than those treated.
        """
        covering = next((each for each in mandates if each.covers(one.action, one.target, one.before)), None)
        if covering is None or not self.catalogue.named(one.action).safe:
            return one
        now = self.clock()
        decide = lifecycle.withhold if covering.withholds(one.id) else lifecycle.accept_by_mandate
        transition = decide(one, covering.id, now)
        allowance = Allowance(one.action, format_time(now - HOUR), covering.terms.most_per_hour)
        return transition.suggestion if self._keep(transition, allowance) is Changed.DONE else one

    def _let_go(self, one: Suggestion, why: str = "the forecast does not say so any more") -> None:
        if one.state in {State.SUGGESTED, State.WITHHELD}:
            self._keep(lifecycle.expire(one, why, self.clock()))

    def _carry_out(self, one: Suggestion) -> bool:
        """Carry one out, or undo it; False where another does, or it may not be any more."""
        now = self.clock()
        if one.state is State.ACCEPTED and one.mandate is not None and not self._is_mandated(one):
            self._keep(lifecycle.dismiss(one, None, f"mandate {one.mandate} is not in force any more", now))
            self.tell()
            return False
        if self.backoff.is_spent(one.attempts):
            self._keep(
                lifecycle.fail(one, f"was begun {one.attempts} times, and nobody came back", now, None)
            )
            self.tell()
            return False
        begun = lifecycle.begin(one, now)
        if self._keep(begun) is not Changed.DONE:
            return False
        self.tell()
        taken = begun.suggestion
        self._keep(self._tried(taken))
        self.tell()
        return True

    def _tried(self, taken: Suggestion) -> Transition:
        """Do what was taken on; return what came of it."""
        try:
            result = self._ask(taken)
        except UnavailableError as error:
            now = self.clock()
            return lifecycle.fail(taken, _line(error.message), now, self._again(taken, now))
        except OrderTrailError as error:
            return lifecycle.fail(taken, _line(error.message), self.clock(), None)
        return lifecycle.finish(taken, _line(result), self.clock())

    def _ask(self, taken: Suggestion) -> str:
        action = self.catalogue.named(taken.action)
        operation = self.operations.get(action.operation)
        if operation is None:
            raise ConfigurationError(
                f"nothing here carries out {action.operation}, which {action.name} needs"
            )
        if taken.state is State.UNDOING:
            return operation.undo(Ask(f"{taken.id}-undo", action, taken))
        return operation.carry_out(Ask(taken.id, action, taken))

    def _again(self, taken: Suggestion, now: datetime) -> datetime | None:
        if self.backoff.is_spent(taken.attempts):
            return None
        return now + self.backoff.wait(taken.attempts)

    def _is_mandated(self, one: Suggestion) -> bool:
        """Ask the log anew: stopping takes effect at once."""
        return any(each.id == one.mandate for each in self.mandates.in_force())

    def _keep(self, transition: Transition, allowance: Allowance | None = None) -> Changed:
        return self.store.change(transition, allowance)

    def _do(self, name: str, deed: Callable[[Suggestion, datetime], Transition]) -> Suggestion:
        """Do something with a suggestion as it is now, and put it on record; who came too late looks again."""
        for _ in range(_TRIES):
            transition = deed(self.suggestion(name), self.clock())
            if self._keep(transition) is Changed.DONE:
                self.tell()
                return transition.suggestion
        raise BusyError(f"suggestion {name} is being changed by others", meaning="Nothing was changed.")


def _is_risky(one: Forecast) -> bool:
    return one.verdict is Verdict.BREACH or one.millionths >= AT_RISK


def _line(text: str) -> str:
    """Return a result in one line that fits an event."""
    told = " ".join(text.split())
    return told if len(told) <= _LONGEST_RESULT else f"{told[: _LONGEST_RESULT - 1]}…"
