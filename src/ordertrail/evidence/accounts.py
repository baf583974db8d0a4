"""An account: what led to an event, as it was reconstructed at a moment, kept so that it can be read as it was.

A reconstruction asked again says what is known by then; what a case rests on is what was said at the time. So the case
keeps the steps in their sequence, what is certain apart from what is inferred, and the roots with their reasons.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec

from ordertrail.kernel.clock import format_time
from ordertrail.kernel.numbers import count
from ordertrail.query.ports import Hit
from ordertrail.query.projection import MICRO
from ordertrail.query.reconstruction.bonds import Reconstruction

ROOTS: Final = 5
"""Likely roots that are kept; those behind them explain next to nothing."""


class Told(msgspec.Struct, frozen=True):
    """An event of an account: its id, when it happened (RFC 3339), what was done, to what, by whom."""

    event: str
    time: str
    action: str
    subject: str
    actor: str


class Step(msgspec.Struct, frozen=True):
    """An event that led to another one, ``towards``: by which bond, why, and whether the log itself says so."""

    told: Told
    bond: str
    certain: bool
    reason: str
    towards: str


class Root(msgspec.Struct, frozen=True):
    """An event that may be where it began: how likely against the others, in hundredths of a per cent, and why."""

    told: Told
    confidence: int
    certain: bool
    reasons: tuple[str, ...]
    way: tuple[str, ...]
    """Ids of the events from it to the one that was asked about."""


class Account(msgspec.Struct, frozen=True):
    """What led to ``asked``. ``whole`` is False where more was known to lead there than is told."""

    asked: Told
    steps: tuple[Step, ...]
    roots: tuple[Root, ...]
    whole: bool

    @property
    def events(self) -> tuple[str, ...]:
        """The ids of all of its events, each once, in the sequence of time; what was asked about is the last."""
        told = [step.told.event for step in self.steps] + [root.told.event for root in self.roots]
        return (*dict.fromkeys(one for one in told if one != self.asked.event), self.asked.event)

    @property
    def sentence(self) -> str:
        """What it comes to, for a list of notes."""
        certain = sum(step.certain for step in self.steps)
        steps = f"{count(len(self.steps), 'step')}, {certain:,} of them certain"
        root = ""
        if self.roots:
            likeliest = self.roots[0]
            root = f"; most likely it began with {likeliest.told.action} of {likeliest.told.subject}"
            root += f" ({likeliest.confidence / 100:.0f} %)"
        return f"What led to {self.asked.action} of {self.asked.subject}: {steps}{root}."


def account_of(told: Reconstruction) -> Account:
    """Return a reconstruction as it is kept."""
    return Account(
        _told(told.asked),
        tuple(
            Step(_told(one.hit), str(one.bond), one.certain, one.reason, one.towards) for one in told.story
        ),
        tuple(
            Root(_told(one.hit), one.confidence, one.certain, one.reasons, one.way)
            for one in told.candidates[:ROOTS]
        ),
        told.whole,
    )


def lines(account: Account) -> Iterator[str]:
    """Yield an account as text: the story, what is inferred marked, then the roots with their reasons."""
    asked = account.asked
    yield f"{asked.time}  {asked.action} of {asked.subject} by {asked.actor} is to be explained."
    if not account.steps:
        yield "Nothing before it is known to have led to it."
    for step in account.steps:
        mark = " " if step.certain else "?"
        yield f"{mark} {step.told.time}  {step.told.action} of {step.told.subject}: {step.reason}"
    for place, root in enumerate(account.roots, 1):
        yield f"{place}. {root.confidence / 100:.0f} %  {root.told.action} of {root.told.subject}"
        for reason in root.reasons:
            yield f"      {reason}"
    if account.steps:
        yield "What is marked with ? is inferred; all else the log itself says."
    if not account.whole:
        yield "More is known to have led there than is told here."


def format_account(account: Account) -> str:
    """Write an account as JSON."""
    return msgspec.json.encode(account).decode()


def parse_account(text: str) -> Account:
    """Read what :func:`format_account` wrote. Raises ValueError for anything else."""
    return msgspec.json.decode(text, type=Account, strict=True)


def _told(hit: Hit) -> Told:
    event = hit.event
    time = format_time(datetime.fromtimestamp(event.time / MICRO, UTC))
    return Told(event.id, time, event.action, str(event.subject), str(event.actor))
