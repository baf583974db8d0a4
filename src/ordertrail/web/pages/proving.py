"""The six numbered steps on one event or one order, run on the server when somebody asks.

The steps are those of the full check (:class:`ordertrail.ledger.verify.report.Step`), each with what it found here. A
step that nobody can take is not passed: it is open, and says why: nobody attested the time, or storage has no lock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ordertrail.kernel.errors import EvidenceError, UnavailableError
from ordertrail.kernel.numbers import count
from ordertrail.ledger.verify.report import Step
from ordertrail.services import Proof, Sealed, Trail
from ordertrail.status import StreamStatus
from ordertrail.web.pages.reading import Moment, Reading
from ordertrail.web.pages.shell import Standing


class Outcome(StrEnum):
    """What a step came to."""

    PASSED = "passed"
    FAILED = "failed"
    OPEN = "open"

    @property
    def tone(self) -> str:
        """The class of its colour."""
        return {Outcome.PASSED: "good", Outcome.FAILED: "bad", Outcome.OPEN: "wait"}[self]


@dataclass(frozen=True, slots=True)
class StepShown:
    """A step, what it asks, and what it found."""

    number: int
    label: str
    promise: str
    outcome: Outcome
    found: str


@dataclass(frozen=True, slots=True)
class Checked:
    """An event or an order that was checked, and when."""

    standing: Standing
    sentence: str
    at: Moment
    steps: tuple[StepShown, ...]


def prove_steps(trail: Trail, sealed: Sealed, reading: Reading) -> Checked:
    """Run the steps on one event. Raises UnavailableError where it cannot be proven now."""
    try:
        made = trail.prove(sealed.entry.event.id)
    except UnavailableError:
        raise
    except EvidenceError as error:
        return _refused(str(error), reading)
    steps = (
        *_of_proof(made),
        _continuity(trail, sealed),
        *_of_status(_status(trail, sealed.stream), sealed.row.index),
    )
    return _concluded(steps, "This event is proven", reading)


def _of_proof(made: Proof) -> tuple[StepShown, ...]:
    checkpoint = made.checkpoint.checkpoint
    signed = made.checkpoint.verified[0]
    hashes = count(len(made.proof.hashes), "hash", "hashes")
    return (
        _step(
            Step.CONTENT,
            Outcome.PASSED,
            f"The entry's bytes hash to {made.sealed.row.hash.hex()[:16]}…, its leaf.",
        ),
        _step(
            Step.INCLUSION,
            Outcome.PASSED,
            f"{hashes} lead from entry {made.proof.index:,} to the root of {checkpoint.size:,}.",
        ),
        _step(
            Step.SIGNATURE, Outcome.PASSED, f"{checkpoint.origin} signed that root with the key {signed.key}."
        ),
    )


def _continuity(trail: Trail, sealed: Sealed) -> StepShown:
    event = sealed.entry.event
    if event.subject.order is None:
        return _step(
            Step.CONTINUITY, Outcome.PASSED, "It belongs to no order; the root covers every entry before it."
        )
    items = trail.history(event.subject.order, tenant=event.subject.tenant)
    return order_continuity(trail, items)


def order_continuity(trail: Trail, items: Sequence[Sealed]) -> StepShown:
    """Prove that nothing is missing between the events of an order."""
    standing = trail.standing(items)
    if standing.problems:
        return _step(Step.CONTINUITY, Outcome.FAILED, "; ".join(standing.problems[:3]))
    waiting = len(items) - standing.proven
    more = f"; {waiting:,} sealed since the last checkpoint was published" if waiting else ""
    of = count(len(items), "event")
    told = f"{standing.proven:,} of {of} of the order are proven, unbroken from the first{more}."
    return _step(Step.CONTINUITY, Outcome.PASSED, told)


def _of_status(status: StreamStatus, index: int) -> tuple[StepShown, ...]:
    seen = [
        one for one in (*status.timestamps, *status.witnesses) if one.size is not None and one.size > index
    ]
    if seen:
        told = ", ".join(f"{one.name} ({one.time})" for one in seen)
        time = _step(Step.TIME, Outcome.PASSED, f"Attested by {told}.")
    elif status.timestamps or status.witnesses:
        time = _step(Step.TIME, Outcome.OPEN, "No authority and no witness has attested it yet.")
    else:
        time = _step(
            Step.TIME,
            Outcome.OPEN,
            "No time-stamp authority and no witness is set up: the time is the log's own.",
        )
    kept = f"The published copy is kept {status.kept_by or 'by its vault'} for {status.keep_days:,} days"
    if status.published <= index:
        custody = _step(Step.CUSTODY, Outcome.OPEN, "It is not published to the vault yet.")
    elif status.immutable:
        custody = _step(Step.CUSTODY, Outcome.PASSED, f"{kept}, and locked.")
    else:
        custody = _step(
            Step.CUSTODY, Outcome.OPEN, f"{kept}; its storage does not lock it against its own operator."
        )
    return time, custody


def _status(trail: Trail, stream: str) -> StreamStatus:
    return next(one for one in trail.status() if one.stream == stream)


def _concluded(steps: tuple[StepShown, ...], proven: str, reading: Reading) -> Checked:
    failed = [one for one in steps if one.outcome is Outcome.FAILED]
    if failed:
        first = failed[0]
        told = f"BROKEN at step {first.number} {first.label}: {first.found}"
        return Checked(Standing.BROKEN, told, reading.moment(reading.now), steps)
    unasked = [one for one in steps if one.outcome is Outcome.OPEN]
    less = f"; {' and '.join(one.label for one in unasked)} rest on the log's own word" if unasked else ""
    return Checked(Standing.PROVEN, f"{proven}{less}.", reading.moment(reading.now), steps)


def _refused(why: str, reading: Reading) -> Checked:
    steps = (_step(Step.INCLUSION, Outcome.FAILED, why),)
    return Checked(Standing.BROKEN, f"BROKEN: {why}", reading.moment(reading.now), steps)


def _step(step: Step, outcome: Outcome, found: str) -> StepShown:
    return StepShown(step.number, step.label, step.promise, outcome, found)
