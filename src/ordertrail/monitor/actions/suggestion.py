"""A suggestion: an action for one order's forecast, from when it is made until what became of the order is known.

::

    suggested ──accept──▶ accepted ──begin──▶ running ──finish──▶ done ──revoke──▶ revoked ──begin──▶ undoing
     │  │  │                  ▲                  │                                    ▲                  │ │
     │  │  └─dismiss, expire─▶│◀────fail─────────┤                                    └───────fail───────┤ │
     │  └────▶ withheld ──────┘                  └─give up─▶ failed                undone ◀─finish───────┘ │
     └─ no more                                                                      done ◀─give up────────┘

Made once for an order, a target and an action, however often the forecast says so. *Withheld* are those that a mandate
leaves to chance, so that there is something to compare with. What became of the order is learned in every state.
"""

import hashlib
from enum import StrEnum

import msgspec

MOST_REASONS = 10
"""Sentences of the forecast that a suggestion keeps, the weightiest."""


class State(StrEnum):
    """Where a suggestion is."""

    SUGGESTED = "suggested"
    WITHHELD = "withheld"
    ACCEPTED = "accepted"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    REVOKED = "revoked"
    UNDOING = "undoing"
    UNDONE = "undone"
    DISMISSED = "dismissed"
    EXPIRED = "expired"


OPEN = frozenset(
    {State.SUGGESTED, State.WITHHELD, State.ACCEPTED, State.RUNNING, State.REVOKED, State.UNDOING}
)
"""The states in which something is still to be decided or done."""


class Arm(StrEnum):
    """How it was decided who is treated; only the last two are compared."""

    BY_HAND = "by hand"
    """A person decided: whom people choose to treat differs from whom they do not, so nothing is compared."""
    TREATED = "treated"
    """A mandate treats it, and chance did not withhold it."""
    HELD_OUT = "held out"
    """A mandate would treat it, and chance withheld it."""


class Deed(StrEnum):
    """What is done with a suggestion."""

    MAKE = "made"
    ACCEPT = "accepted"
    DISMISS = "dismissed"
    EXPIRE = "expired"
    WITHHOLD = "withheld"
    BEGIN = "begun"
    FINISH = "finished"
    FAIL = "failed, and is tried again"
    GIVE_UP = "given up"
    REVOKE = "revoked"
    LEARN = "learned what became of the order"


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A suggestion as it stands.

    ``before`` and ``after`` are millionths of probability, amounts are minor units of ``currency``, ``ends`` is the end
    of the forecast's horizon, ``due`` when it is tried next or, while it runs, when somebody else may take it over.
    ``mandate`` is set where no person decided. ``breached`` is whether the order breached after all.
    """

    id: str
    version: int
    order: str
    tenant: str | None
    target: str
    action: str
    title: str
    model: str
    made: str
    ends: str
    last: str
    reasons: tuple[str, ...]
    before: int
    after: int
    benefit: int
    cost: int
    gain: int
    currency: str
    state: State = State.SUGGESTED
    arm: Arm = Arm.BY_HAND
    mandate: str | None = None
    decided_by: str | None = None
    reason: str | None = None
    attempts: int = 0
    due: str | None = None
    done: str | None = None
    result: str | None = None
    breached: bool | None = None

    @property
    def is_open(self) -> bool:
        """Whether something is still to be decided or done."""
        return self.state in OPEN


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """One step in the life of a suggestion, which is as it is afterwards. ``by`` is None where the program did it."""

    suggestion: Suggestion
    deed: Deed
    at: str
    before: State | None = None
    by: str | None = None
    reason: str | None = None

    @property
    def is_automatic(self) -> bool:
        """Whether a mandate, and no person, let an action run: what the rate of a mandate counts."""
        return self.deed is Deed.ACCEPT and self.by is None


def suggestion_id(order: str, tenant: str | None, target: str, action: str) -> str:
    """Return the id of a suggestion: ``S-`` and 16 letters and digits, made of what it is for."""
    told = "\0".join(f"{len(one)}:{one}" for one in (order, tenant or "", target, action))
    return f"S-{hashlib.sha256(told.encode()).hexdigest()[:16]}"
