"""Who asks: a person or a service that was recognised, with what it may do and where."""

from dataclasses import dataclass, field
from enum import StrEnum

from ordertrail.access.verbs import Verb


class Known(StrEnum):
    """How a principal was recognised."""

    SESSION = "session"
    """Signed in with a browser."""
    KEY = "key"
    """An API key."""
    LOCAL = "local"
    """Whoever runs the command line on the machine of the trail."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a principal may look. An empty set is everywhere, but for ``tenants``: None is all, empty is none."""

    tenants: frozenset[str] | None = None
    channels: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Principal:
    """A person or a service that was recognised.

    ``verbs`` is what its roles allow, ``sees_identities`` whether names stand where pseudonyms would; ``session`` is
    an opaque name of its session or key that events may hold.
    """

    id: str
    kind: str
    """``person`` or ``service``."""
    name: str
    roles: tuple[str, ...]
    verbs: frozenset[Verb]
    scope: Scope = field(default_factory=Scope)
    sees_identities: bool = False
    session: str | None = None
    known: Known = Known.SESSION

    def may(self, verb: Verb) -> bool:
        """Say whether its roles allow a verb."""
        return verb in self.verbs
