"""Regions of a page: each is loading, ready, empty, stale, broken or closed, and says so in words.

A region is asked for with :func:`ask`; what goes wrong in one leaves the others standing. What a state means for the
evidence is said by the error itself (:meth:`ordertrail.kernel.errors.OrderTrailError.diagnostics`).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from ordertrail.kernel.errors import InputError, OrderTrailError
from ordertrail.kernel.numbers import count
from ordertrail.query.feeding import Lag

Content = TypeVar("Content")


class State(StrEnum):
    """What a region is."""

    LOADING = "loading"
    READY = "ready"
    EMPTY_FIRST = "empty-first"
    """Nothing is there yet at all."""
    EMPTY_FILTERED = "empty-filtered"
    """There is something, and the filter lets none of it through."""
    STALE = "stale"
    """What is shown is older than what is known to be there."""
    ERROR = "error"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Way:
    """Something that can be done next: a link."""

    label: str
    href: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What a region says instead of its content, or above it.

    ``reference`` is what a person quotes to whoever runs the trail; empty where there is nothing to look up.
    """

    headline: str
    text: str = ""
    ways: tuple[Way, ...] = ()
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Region(Generic[Content]):
    """A part of a page. ``content`` is there where the state is ready or stale; ``notice`` in every other."""

    name: str
    """What it shows, as a heading would say: "Events"."""
    state: State
    content: Content | None = None
    notice: Notice | None = None
    href: str = ""
    """The address that gives this region alone, for one that is still loading, and to try again."""

    @property
    def shown(self) -> bool:
        """Whether there is content to show."""
        return self.content is not None


def ready(name: str, content: Content, lag: Lag | None = None, href: str = "") -> Region[Content]:
    """Return a region with content; stale, and saying so, where the index is behind the log."""
    if lag is None or not lag.events:
        return Region(name, State.READY, content, href=href)
    notice = Notice(
        f"{count(lag.events, 'sealed event')} not shown yet",
        f"The index is {lag.seconds:,.0f} s behind the log. Nothing is lost; the log has them.",
        (Way("Load again", href),) if href else (),
    )
    return Region(name, State.STALE, content, notice, href)


def loading(name: str, href: str) -> Region[Content]:
    """Return a region that the browser asks for by itself, and a person without scripts by a link."""
    return Region(name, State.LOADING, None, Notice(f"{name}: asking"), href)


def empty(name: str, headline: str, text: str = "", ways: tuple[Way, ...] = ()) -> Region[Content]:
    """Return a region in which nothing is yet."""
    return Region(name, State.EMPTY_FIRST, None, Notice(headline, text, ways))


def filtered(name: str, headline: str, ways: tuple[Way, ...]) -> Region[Content]:
    """Return a region that a filter emptied: it is named, and can be taken away."""
    return Region(name, State.EMPTY_FILTERED, None, Notice(headline, "", ways))


def denied(name: str, what: str, verb: str, roles: tuple[str, ...]) -> Region[Content]:
    """Return a region that the reader may not see, with the roles that may."""
    text = f"It takes {' or '.join(roles)}." if roles else f"No role allows {verb}."
    return Region(name, State.DENIED, None, Notice(f"Your roles do not allow you to {what}", text))


def broken(name: str, error: OrderTrailError, href: str = "") -> Region[Content]:
    """Return a region that could not be made: what happened, what it means for the evidence, what to do."""
    told = error.diagnostics()
    notice = Notice(
        f"{name} cannot be shown: {told.happened}",
        f"{told.meaning} {told.remedy}",
        (Way("Try again", href),) if href else (),
        reference_of(told.happened),
    )
    return Region(name, State.ERROR, None, notice, href)


def ask(name: str, question: Callable[[], Region[Content]], href: str = "") -> Region[Content]:
    """Ask a question for a region; what prevents an answer becomes the region's own words.

    What is wrong with what the reader wrote (InputError) is not the region's: it goes on to the page.
    """
    try:
        return question()
    except InputError:
        raise
    except OrderTrailError as error:
        return broken(name, error, href)


def reference_of(text: str) -> str:
    """Return a short name of an error, the same for the same error, that stands in no address and no log by chance."""
    return "R-" + hashlib.sha256(text.encode()).hexdigest()[:8].upper()
