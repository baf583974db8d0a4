"""The corrective actions that there are, and what the organisation says that they cost and bring.

Those that every trail knows are shipped. The organisation's own file, read strictly, says what each is worth to it, and
may add actions that a webhook carries out::

    currency = "EUR"                          # of every amount below

    ["hold order"]
    cost = 500                                # minor units: a clerk's minutes, a customer who waits
    to = "oms"                                # the webhook, by its name in the settings

    ["hold order".benefit]                    # what averting a breach is worth, by target
    changed_after_approval = 20000

    ["call customer"]                         # an action of its own
    title = "Call the customer"
    operation = "webhook"
    cost = 900
    to = "crm"
    benefit = {cancelled = 6000}
    averts = {cancelled = 40}                 # per cent; without it, what the forecast says of the action

What has no cost, or no benefit for a target, is never suggested for it.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Final

from ordertrail.kernel.canonical import MAX_INTEGER
from ordertrail.kernel.errors import InputError, Problem
from ordertrail.kernel.money import exponent_of

_NAME: Final = re.compile(r"[a-z][a-z0-9_ -]{0,62}", re.ASCII)
_MOST: Final = 200
_FIELDS: Final = frozenset({"title", "operation", "undone", "safe", "cost", "to", "benefit", "averts"})


class OperationKind(StrEnum):
    """What carries an action out."""

    WEBHOOK = "webhook"
    """A signed webhook: a system of the organisation does it."""
    RECONCILE = "reconcile"
    CASE = "case"
    SESSION = "session"
    INTAKE = "intake"


@dataclass(frozen=True, slots=True)
class CorrectiveAction:
    """An action, and what it costs and brings. Amounts are minor units of the catalogue's currency.

    ``benefit`` is what averting a breach is worth, by target; ``averts`` how many of a hundred breaches it averts where
    the organisation knows better than the forecast. ``undone`` says whether it can be undone, ``safe`` whether a
    mandate may let it run without asking.
    """

    name: str
    title: str
    operation: OperationKind
    undone: bool = False
    safe: bool = False
    to: str | None = None
    cost: int | None = None
    benefit: Mapping[str, int] = field(default_factory=dict)
    averts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ActionCatalogue(Mapping[str, CorrectiveAction]):
    """The actions by name. ``currency`` is that of all amounts; without one nothing is worth anything yet."""

    actions: Mapping[str, CorrectiveAction]
    currency: str | None = None

    def __getitem__(self, name: str) -> CorrectiveAction:
        return self.actions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.actions)

    def __len__(self) -> int:
        return len(self.actions)

    def named(self, name: str) -> CorrectiveAction:
        """Return an action. Raises InputError where there is none of this name."""
        try:
            return self.actions[name]
        except KeyError:
            raise InputError(
                f"there is no action {name[:80]!r}; there are {', '.join(self.actions)}",
                remedy="See what each does with 'ordertrail actions list'.",
            ) from None


@cache
def shipped_actions() -> ActionCatalogue:
    """Return the actions that every trail knows, worth nothing yet."""
    return read_catalogue((files("ordertrail.monitor.actions") / "shipped.toml").read_text(), None)


def read_catalogue(text: str, shipped: ActionCatalogue | None) -> ActionCatalogue:
    """Read a file of actions over those that are shipped. Raises InputError naming everything that is wrong."""
    try:
        told = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"the actions are no TOML: {error}") from None
    problems: list[Problem] = []
    currency = _currency(told.pop("currency", None), problems)
    actions = dict(shipped.actions) if shipped is not None else {}
    for name, said in told.items():
        if not _NAME.fullmatch(name) or not isinstance(said, dict):
            problems.append(
                Problem(name[:80], "is no action; small letters, digits, spaces, _ and - name a table")
            )
            continue
        found = _action(name, said, actions.get(name), problems)
        if found is not None:
            actions[name] = found
    if len(actions) > _MOST:
        problems.append(Problem("", f"there are more than {_MOST} actions"))
    if currency is None and any(one.cost is not None or one.benefit for one in actions.values()):
        problems.append(Problem("currency", "is missing; every amount is in it"))
    if problems:
        raise InputError(problems, meaning="Nothing is suggested by this file.")
    return ActionCatalogue(actions, currency)


def _action(
    name: str, said: dict[str, Any], known: CorrectiveAction | None, problems: list[Problem]
) -> CorrectiveAction | None:
    wrong = [Problem(f"{name}.{one}", "is not known") for one in said if one not in _FIELDS]
    if known is not None:
        fixed = said.keys() & {"operation", "undone", "safe"}
        wrong += [
            Problem(f"{name}.{one}", "is as it is shipped; name an action of your own") for one in fixed
        ]
    title = said.get("title", None if known is None else known.title)
    if not isinstance(title, str) or not title.strip():
        wrong.append(Problem(f"{name}.title", "is missing; people are shown it"))
    operation = _operation(name, said, known, wrong)
    for flag in ("undone", "safe"):
        if not isinstance(said.get(flag, False), bool):
            wrong.append(Problem(f"{name}.{flag}", "is true or false"))
    to = said.get("to", None if known is None else known.to)
    if to is not None and (not isinstance(to, str) or operation is not OperationKind.WEBHOOK):
        wrong.append(Problem(f"{name}.to", "is the name of a webhook, and only what one carries out has it"))
    cost = said.get("cost", None if known is None else known.cost)
    if cost is not None and not _is_amount(cost):
        wrong.append(Problem(f"{name}.cost", "is a whole number of minor units, 0 or more"))
    benefit = _figures(f"{name}.benefit", said.get("benefit", {}), MAX_INTEGER, wrong)
    averts = _figures(f"{name}.averts", said.get("averts", {}), 100, wrong)
    problems += wrong
    if wrong or operation is None:
        return None
    return CorrectiveAction(
        name=name,
        title=str(title).strip(),
        operation=operation,
        undone=said.get("undone", False) if known is None else known.undone,
        safe=said.get("safe", False) if known is None else known.safe,
        to=to,
        cost=cost,
        benefit=benefit or (known.benefit if known is not None else {}),
        averts=averts or (known.averts if known is not None else {}),
    )


def _operation(
    name: str, said: dict[str, Any], known: CorrectiveAction | None, wrong: list[Problem]
) -> OperationKind | None:
    if known is not None:
        return known.operation
    try:
        return OperationKind(str(said.get("operation")))
    except ValueError:
        wrong.append(Problem(f"{name}.operation", f"is one of {', '.join(OperationKind)}"))
        return None


def _figures(path: str, said: object, most: int, wrong: list[Problem]) -> dict[str, int]:
    if not isinstance(said, dict):
        wrong.append(Problem(path, "is a table: targets, and a whole number for each"))
        return {}
    for target, value in said.items():
        if not _is_amount(value) or value > most:
            wrong.append(Problem(f"{path}.{target}", f"is a whole number from 0 to {most:,}"))
    return dict(said)


def _is_amount(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_INTEGER


def _currency(said: object, problems: list[Problem]) -> str | None:
    if said is None:
        return None
    try:
        exponent_of(str(said))
    except ValueError:
        problems.append(Problem("currency", f"{str(said)[:20]!r} is no currency of ISO 4217"))
        return None
    return str(said)
