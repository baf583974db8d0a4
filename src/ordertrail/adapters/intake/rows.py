"""Intake's rows and the values that they hold: pure."""

from typing import Any

from sqlalchemy import Row

from ordertrail.intake.delivery import Way
from ordertrail.intake.faults import Code, Fault
from ordertrail.intake.ports import Approval, Attempt, Claim, Harm, Letter, Outcome, Waiting
from ordertrail.intake.states import MessageState
from ordertrail.kernel.money import Money


def message_row(outcome: Outcome, time: str) -> dict[str, Any]:
    """Return a message's row, but for ``since``, ``fix`` and ``approval``, which nobody settles."""
    version, value = outcome.version, outcome.harm.value
    return {
        "delivery": outcome.delivery,
        "number": outcome.number,
        "source": outcome.source,
        "state": outcome.state,
        "settled": time,
        "pointer": outcome.pointer or None,
        "order_id": outcome.order,
        "told": outcome.told,
        "version": None if version is None else [version.number, version.time],
        "cause": outcome.faults[0].cause if outcome.faults else None,
        "faults": faults_told(outcome.faults) or None,
        "attempt": outcome.attempt,
        "again_at": outcome.again_at,
        "whole": outcome.whole,
        "content": outcome.content,
        "value": None if value is None else value.amount,
        "currency": None if value is None else value.currency,
        "tier": outcome.harm.tier,
        "promised": outcome.harm.promised,
    }


def attempt_row(outcome: Outcome, time: str) -> dict[str, Any]:
    """Return the row of one try."""
    return {
        "delivery": outcome.delivery,
        "message": outcome.number,
        "attempt": outcome.attempt,
        "time": time,
        "state": outcome.state,
        "faults": faults_told(outcome.faults),
    }


def faults_told(faults: tuple[Fault, ...]) -> list[list[str]]:
    """Return faults as JSON: code, path, sentence and rule of each."""
    return [[str(fault.code), fault.path, fault.message, fault.rule] for fault in faults]


def faults_of(told: list[list[str]] | None) -> tuple[Fault, ...]:
    """Return faults from JSON."""
    return tuple(Fault(Code(code), *rest) for code, *rest in told or ())


def claim_of(row: Row[Any], body: bytes | None, attempt: int | None = None, fix: str | None = None) -> Claim:
    """Return the claim of a delivery's row, or of one of its messages, whose attempt and fix then count."""
    return Claim(
        id=row.id,
        attempt=row.attempt if attempt is None else attempt,
        source=row.source,
        sha256=row.sha256,
        size=row.size,
        received=row.received,
        way=Way(row.way),
        headers=row.headers,
        name=row.name,
        progress=row.progress,
        tries=row.tries,
        counts={MessageState(name): number for name, number in row.counts.items()},
        body=body,
        fix=fix or row.fix,
    )


def waiting_of(row: Row[Any], of: Row[Any], body: bytes | None) -> Waiting:
    """Return the claim of a message, from its row and its delivery's."""
    return Waiting(
        claim=claim_of(of, body, row.attempt, row.fix),
        number=row.number,
        state=MessageState(row.state),
        since=row.since,
        content=None if row.content is None else bytes(row.content),
        approval=None if row.approval is None else Approval(**row.approval),
    )


def letter_of(row: Row[Any], attempts: tuple[Attempt, ...] = ()) -> Letter:
    """Return a letter from a row of messages joined with what of its delivery belongs to it."""
    return Letter(
        delivery=row.delivery,
        number=row.number,
        source=row.source,
        state=MessageState(row.state),
        received=row.received,
        settled=row.settled,
        sha256=row.sha256,
        size=row.size,
        pointer=row.pointer or "",
        order=row.order_id,
        faults=faults_of(row.faults),
        cause=row.cause or "",
        harm=Harm(None if row.value is None else Money(row.value, row.currency), row.tier, row.promised),
        attempt=row.attempt,
        fix=row.fix,
        whole=row.whole,
        attempts=attempts,
        way=Way(row.way),
        headers=row.headers,
        name=row.name,
    )


def attempt_of(row: Row[Any]) -> Attempt:
    """Return one try from its row."""
    return Attempt(row.attempt, row.time, MessageState(row.state), faults_of(row.faults))
