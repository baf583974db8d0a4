"""Asking a source for what changed, page by page. What it answers is a delivery like any other.

A round asks for all that changed since the round before began, less an overlap for clocks that differ and for orders
that were being written. Its place is kept after each page:

1. Ask for the page. *If we stop here*, it is asked for again.
2. Land the answer; it is durable. *If we stop here*, the page is asked for and landed again, and its orders are at the
   version that is known: nothing happens twice.
3. Keep the place: the next page, or, after the last, the time from which the next round asks.

An answer that is the same to the byte as the one before it is not landed again. What an answer says twice, by the
overlap, is settled by the orders' versions. Where a source cannot be asked, it is asked later and later, and its health
says so; the place stays where it was, so that nothing of the time between is missed. Where it says when to come
again, it is not asked before.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum
from typing import Any, Final, Protocol

from ordertrail.intake.asking import Asked, Page
from ordertrail.intake.delivery import Source, Way
from ordertrail.intake.faults import FaultyError
from ordertrail.intake.json_text import json_tree
from ordertrail.intake.receiving import Door, Sent
from ordertrail.kernel.backoff import Backoff
from ordertrail.kernel.clock import Clock, format_time, parse_time
from ordertrail.kernel.errors import LaterError, UnavailableError

_log = logging.getLogger("ordertrail.intake")

LIMIT: Final = 10_000
"""Pages of the longest round; a source that goes on for longer is led in a circle."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far a source was asked.

    ``begun`` is when the round under way began, None between rounds; ``again_at`` when it is asked next; ``last`` the
    SHA-256 of the answer that was landed last.
    """

    asked: Asked
    begun: str | None = None
    again_at: str | None = None
    last: str | None = None
    failures: int = 0
    """Times in a row that it could not be asked."""
    reason: str | None = None
    answered: str | None = None
    """When a round came to its end last."""


class Places(Protocol):
    """Where sources were asked up to. Durable when ``move`` returns. Raises UnavailableError where not reachable."""

    def place(self, source: str) -> Place | None:
        """Return a source's place, None where it was never asked."""

    def move(self, source: str, before: Place | None, after: Place) -> bool:
        """Put a place in the place of what was seen; False, and nothing changed, where it is another by now."""


class Course(Protocol):
    """How a source's pages follow one another. Pure."""

    @property
    def path(self) -> str:
        """Where its pages are, below its server."""

    def address(self, base: str, asked: Asked) -> str | None:
        """Return the address of a page, None where there is nothing to ask now.

        Raises UnavailableError where an answer leads to another server.
        """

    def body(self, asked: Asked) -> bytes | None:
        """Return the JSON that is posted to it, None where it is only got."""

    def next(self, asked: Asked, page: Page, tree: Any) -> Asked | None:
        """Return where the next page is asked for, None after the last. ``tree`` is the answer's JSON.

        Raises UnavailableError where it is no answer to what was asked.
        """


class Asker(Protocol):
    """Asks one source over the network. Raises UnavailableError for whatever is no answer; retries nothing."""

    def ask(self, address: str, body: bytes | None = None) -> Page:
        """Return the answer of one page: of a GET, or of a POST of ``body``. Raises LaterError where told when."""


@dataclass(frozen=True, slots=True)
class Polled:
    """A source that is asked: whom, how, and how often."""

    source: Source
    plan: Course
    base: str
    asker: Asker
    every: timedelta = timedelta(minutes=1)
    overlap: timedelta = timedelta(minutes=5)
    first: timedelta = timedelta(days=1)
    """How far the first round of all goes back."""
    again: bool = True
    """Whether an answer of bytes that came before says something: an order may be as it was before, and a fact of
    what happened stays one."""


class Step(Enum):
    """What one step did."""

    LANDED = "landed"
    SAME = "same"
    """The answer was the one before it."""
    RESTING = "resting"
    """It is not due."""
    FAILED = "failed"
    """It could not be asked; it is asked later."""
    LOST = "lost"
    """Somebody else asks it."""


@dataclass(frozen=True, slots=True)
class Poller:
    """Asks sources. Processes may do so beside one another: a page is landed by both, and one moves on."""

    door: Door
    places: Places
    clock: Clock
    backoff: Backoff = field(default_factory=lambda: Backoff(timedelta(seconds=30), timedelta(minutes=30)))

    def step(self, polled: Polled) -> Step:
        """Ask a source for one page, if it is due."""
        now, name = self.clock(), str(polled.source)
        seen = self.places.place(name)
        place = seen or Place(Asked(format_time(now - polled.first)))
        if place.again_at is not None and parse_time(place.again_at) > now:
            return Step.RESTING
        begun = place.begun or format_time(now)
        try:
            plan, asked = polled.plan, place.asked
            address = plan.address(polled.base, asked)
            page = Page(b"") if address is None else polled.asker.ask(address, plan.body(asked))
            following = _following(plan, asked, page)
        except UnavailableError as error:
            return self._failed(name, seen, replace(place, begun=begun), error)
        sha256 = hashlib.sha256(page.body).hexdigest()
        same = sha256 == place.last or not page.body.strip()
        if not same:
            self.door.receive(Sent(polled.source, page.body, Way.POLL, name=plan.path, again=polled.again))
        if following is None:
            done = Asked(format_time(parse_time(begun) - polled.overlap))
            after = Place(done, None, format_time(now + polled.every), sha256, answered=format_time(now))
        else:
            after = Place(following, begun, None, sha256, answered=place.answered)
        if not self.places.move(name, seen, after):
            return Step.LOST
        return Step.SAME if same else Step.LANDED

    def round(self, polled: Polled) -> list[Step]:
        """Ask a source for all of its pages, if it is due; return what each step did."""
        steps = [self.step(polled)]
        while steps[-1] in {Step.LANDED, Step.SAME} and self._is_under_way(polled):
            steps.append(self.step(polled))
        return steps

    def follow(self, sources: list[Polled], stop: Callable[[], bool], sleep: Callable[[float], None]) -> None:
        """Ask sources when they are due, until asked to stop."""
        while not stop():
            try:
                steps = {self.step(one) for one in sources}
            except UnavailableError as error:  # our own database: the page is asked for again
                _log.warning("nothing is asked for now: %s", error.message)
                steps = set()
            if not steps & {Step.LANDED, Step.SAME}:
                sleep(1.0)

    def _is_under_way(self, polled: Polled) -> bool:
        place = self.places.place(str(polled.source))
        return place is not None and place.begun is not None

    def _failed(self, name: str, seen: Place | None, place: Place, error: UnavailableError) -> Step:
        failures = place.failures + 1
        told = error.after if isinstance(error, LaterError) else timedelta(0)
        again = self.clock() + max(self.backoff.wait(failures), told)
        after = replace(place, failures=failures, reason=error.message, again_at=format_time(again))
        return Step.FAILED if self.places.move(name, seen, after) else Step.LOST


def _following(plan: Course, asked: Asked, page: Page) -> Asked | None:
    """Return where an answer goes on. An answer that is no JSON is no answer: it would be lost by moving on."""
    try:
        tree = json_tree(page.body) if page.body.strip() else None
    except FaultyError as error:
        raise UnavailableError(f"its answer is no JSON: {error.faults[0].message}") from None
    following = plan.next(asked, page, tree)
    if following is not None and (following.page > LIMIT or following.leads == asked.leads):
        raise UnavailableError("its pages have no end: one leads to itself, or there are too many")
    return following


def unasked(place: Place, patience: int = 3) -> str | None:
    """Say that a source could not be asked so many times in a row, and why; None where it could."""
    if place.failures < patience:
        return None
    said = (place.reason or "").rstrip(".")
    since = "" if place.answered is None else f", last at {place.answered}"
    return f"It could not be asked {place.failures} times in a row{since}: {said}."
