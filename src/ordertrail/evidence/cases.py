"""Cases: what is looked into, by whom, with which evidence, and who signed it off.

A case is the fold of its acts; acts are only ever added, so that a case is never deleted and nothing in it is either.
Each act is an event of the trail too. What may follow what::

    state      may become   by
    open       review       submit     its preparer holds that everything is there
    review     open         return     the reviewer sends it back, with a reason
    review     signed       sign       the reviewer signs it off: a person, and none of those who prepared it
    signed     closed       close
    signed     open         reopen     with a reason; the signature no longer counts
    closed     open         reopen     the same

Items are added and set aside while it is open; notes may be added in every state.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ordertrail.evidence.accounts import Account, parse_account
from ordertrail.evidence.samples import Sampled
from ordertrail.kernel.errors import InputError


class CaseState(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    REVIEW = "review"
    SIGNED = "signed"
    CLOSED = "closed"


class ActKind(StrEnum):
    """What can be done with a case."""

    OPEN = "open"
    ADD = "add"
    SET_ASIDE = "set_aside"
    SAMPLE = "sample"
    ACCOUNT = "account"
    """What led to an event, as it was told then; its events are in the basket."""
    NOTE = "note"
    SUBMIT = "submit"
    RETURN = "return"
    SIGN = "sign"
    CLOSE = "close"
    REOPEN = "reopen"


#: From which states to which each act leads; those that are not here change nothing.
TRANSITIONS: Final = MappingProxyType(
    {
        ActKind.SUBMIT: {CaseState.OPEN: CaseState.REVIEW},
        ActKind.RETURN: {CaseState.REVIEW: CaseState.OPEN},
        ActKind.SIGN: {CaseState.REVIEW: CaseState.SIGNED},
        ActKind.CLOSE: {CaseState.SIGNED: CaseState.CLOSED},
        ActKind.REOPEN: {CaseState.SIGNED: CaseState.OPEN, CaseState.CLOSED: CaseState.OPEN},
    }
)

_PREPARING: Final = frozenset(
    {
        ActKind.OPEN,
        ActKind.ADD,
        ActKind.SET_ASIDE,
        ActKind.SAMPLE,
        ActKind.ACCOUNT,
        ActKind.SUBMIT,
    }
)
_REASONED: Final = frozenset({ActKind.SET_ASIDE, ActKind.NOTE, ActKind.RETURN, ActKind.REOPEN})


@dataclass(frozen=True, slots=True)
class Pinned:
    """An event in a basket, with its proof at the moment in which it was put there: a C2SP tlog-proof."""

    event: str
    stream: str
    index: int
    entry: bytes
    proof: bytes


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that was done with a case: its number in the case from 1, who, when (RFC 3339), and what.

    ``person`` says whether a person did it; ``text`` is a title, a note or a reason, and of an account its JSON;
    ``event`` is the id of the event of the trail that tells of it.
    """

    case: str
    number: int
    kind: ActKind
    by: str
    at: str
    event: str
    person: bool = True
    text: str = ""
    template: str = ""
    pinned: Pinned | None = None
    set_aside: str | None = None
    sample: Sampled | None = None


@dataclass(frozen=True, slots=True)
class Accounted:
    """An account in a case: by whom and when it was put there, and the event of the trail that keeps it."""

    account: Account
    by: str
    at: str
    event: str


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it stands after its acts."""

    id: str
    title: str
    template: str
    state: CaseState
    opened: str
    acts: int
    preparers: frozenset[str]
    items: tuple[Pinned, ...] = ()
    aside: frozenset[str] = frozenset()
    samples: tuple[Sampled, ...] = ()
    accounts: tuple[Accounted, ...] = ()
    notes: tuple[tuple[str, str, str], ...] = ()
    signed_by: str | None = None

    @property
    def basket(self) -> tuple[Pinned, ...]:
        """The items that were not set aside."""
        return tuple(item for item in self.items if item.event not in self.aside)


@dataclass(frozen=True, slots=True)
class Template:
    """What a kind of case begins with: its name, what it is for, and the questions that it answers."""

    name: str
    about: str
    questions: tuple[str, ...] = field(default=())


TEMPLATES: Final = MappingProxyType(
    {
        one.name: one
        for one in (
            Template("blank", "Anything."),
            Template(
                "price-override",
                "A price was changed after an order was approved.",
                (
                    "Who changed the price, when, from where, and with which reason?",
                    "Was the person allowed to, and who approved it?",
                    "Did the same person change other prices at that time?",
                    "What was paid, refunded and shipped?",
                ),
            ),
            Template(
                "access-review",
                "A sample of what people with special rights did.",
                (
                    "What is the population, and how was the sample drawn?",
                    "Was each act within the person's task?",
                    "What was found, and what follows?",
                ),
            ),
            Template(
                "order-dispute",
                "A customer, a channel or a carrier tells the life of an order otherwise.",
                (
                    "What does the other side say, and on what does it rest?",
                    "What happened to the order, event by event?",
                    "Where do the two part?",
                ),
            ),
            Template(
                "sox-change-test",
                "A test of a control over changes of orders (SOX 404): population, sample, exceptions.",
                (
                    "Which control is tested, over which period?",
                    "Is the population complete? (its certificate)",
                    "Which items of the sample are exceptions, and why?",
                ),
            ),
        )
    }
)
"""The templates that every trail has, by name."""


def fold(acts: Iterable[Act]) -> Case:
    """Return the case that acts make.

    :raises InputError: at an act that may not follow the ones before it.
    """
    case: Case | None = None
    for act in acts:
        case = apply(case, act)
    if case is None:
        raise InputError("there is no such case")
    return case


def apply(case: Case | None, act: Act) -> Case:
    """Return a case after one more act.

    :raises InputError: if the act may not be done in its state, or not by this person.
    """
    if case is None:
        return _opened(act)
    _require_allowed(case, act)
    state = TRANSITIONS.get(act.kind, {}).get(case.state, case.state)
    changed = replace(case, state=state, acts=act.number)
    if act.kind in _PREPARING:
        changed = replace(changed, preparers=case.preparers | {act.by})
    match act.kind:
        case ActKind.ADD if act.pinned is not None:
            return replace(changed, items=(*case.items, act.pinned), aside=case.aside - {act.pinned.event})
        case ActKind.SET_ASIDE if act.set_aside is not None:
            return replace(changed, aside=case.aside | {act.set_aside})
        case ActKind.SAMPLE if act.sample is not None:
            return replace(changed, samples=(*case.samples, act.sample))
        case ActKind.ACCOUNT:
            told = Accounted(_account(act), act.by, act.at, act.event)
            return replace(changed, accounts=(*case.accounts, told))
        case ActKind.SIGN:
            return replace(changed, signed_by=act.by)
        case ActKind.REOPEN | ActKind.RETURN:
            changed = replace(changed, signed_by=None)
        case _:
            pass
    return replace(changed, notes=(*case.notes, (act.at, act.by, act.text))) if act.text else changed


def _opened(act: Act) -> Case:
    if act.kind is not ActKind.OPEN or act.number != 1:
        raise InputError(f"there is no case {act.case}")
    if not act.text.strip():
        raise InputError("a case has a title")
    if act.template not in TEMPLATES:
        raise InputError(f"there is no template {act.template!r}; there are {', '.join(TEMPLATES)}")
    return Case(act.case, act.text, act.template, CaseState.OPEN, act.at, 1, frozenset({act.by}))


def _account(act: Act) -> Account:
    try:
        return parse_account(act.text)
    except ValueError as error:
        raise InputError(f"act {act.number} of case {act.case} keeps no account: {error}") from None


def _require_allowed(case: Case, act: Act) -> None:
    where = f"case {case.id} is {case.state}"
    if act.number != case.acts + 1 or act.kind is ActKind.OPEN:
        raise InputError(f"{where}, and this does not follow act {case.acts}")
    if act.kind in TRANSITIONS and case.state not in TRANSITIONS[act.kind]:
        raise InputError(f"{where}; to {act.kind} it, it must be {' or '.join(TRANSITIONS[act.kind])}")
    if act.kind in _PREPARING and case.state is not CaseState.OPEN:
        raise InputError(
            f"{where}; evidence is added to an open case only", remedy="Return or reopen it first."
        )
    if act.kind in _REASONED and not act.text.strip():
        raise InputError("a note or a reason is needed", remedy="Say why; it is put on record.")
    if act.kind is ActKind.SET_ASIDE and act.set_aside not in {item.event for item in case.basket}:
        raise InputError(f"event {act.set_aside} is not in the basket")
    if (
        act.kind is ActKind.ADD
        and act.pinned is not None
        and act.pinned.event in {i.event for i in case.basket}
    ):
        raise InputError(f"event {act.pinned.event} is in the basket already")
    if act.kind is ActKind.SUBMIT and not (case.basket or case.samples or case.accounts or case.notes):
        raise InputError("there is nothing in the case to review")
    if act.kind is ActKind.SIGN and (act.by in case.preparers or not act.person):
        raise InputError(
            f"{act.by} prepared this case, or is no person, and cannot sign it off",
            remedy="Have another person review and sign it.",
        )
