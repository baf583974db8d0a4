"""A sealed event as formats tell it: what was captured, where it stands in its log, and the log's own bytes of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ordertrail.query.entries import SealedEvent, read_entry
from ordertrail.query.ports import LogReader
from ordertrail.record.actions import CATALOGUE, Action
from ordertrail.record.event import Context, Event


@dataclass(frozen=True, slots=True)
class Exported:
    """One entry. ``body`` is the entry's canonical JSON, whose leaf hash the log proves."""

    sealed: SealedEvent
    body: bytes

    @property
    def event(self) -> Event:
        """The event."""
        return self.sealed.event

    @property
    def context(self) -> Context:
        """From where and why; empty where the event does not say."""
        return self.sealed.event.context or Context()


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: the log's origin, the program and its version, and the actions that the trail knows."""

    origin: str
    version: str
    actions: Mapping[str, Action] = field(default_factory=lambda: CATALOGUE)

    def is_sensitive(self, event: Event) -> bool:
        """Say whether people are told of such an action at once."""
        action = self.actions.get(event.action)
        return action is not None and action.sensitive

    def phrase(self, event: Event) -> str:
        """Return what was done, in words."""
        action = self.actions.get(event.action)
        return action.phrase if action is not None else event.action


Tell = Callable[[Exported], str]
"""Writes an entry in a format, on one line."""


def read_entries(log: LogReader, stream: str, start: int, end: int) -> list[Exported]:
    """Return the entries of a range. Raises EvidenceError at one that cannot be read."""
    return [Exported(read_entry(stream, row), row.entry) for row in log.rows(stream, start, end)]


def address_of(context: Context) -> str | None:
    """Return the address that something came from, where it is not sealed."""
    return context.ip if isinstance(context.ip, str) else None


def agent_of(context: Context) -> str | None:
    """Return the program that somebody used, where it is not sealed."""
    return context.user_agent if isinstance(context.user_agent, str) else None
