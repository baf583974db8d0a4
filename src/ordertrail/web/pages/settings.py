"""Settings and roles: what each role may do, who has which, and how the trail is set up, without secrets."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ordertrail.access.account import Account
from ordertrail.access.principal import Principal
from ordertrail.access.roles import ALLOWS, PURPOSE, SEPARATED, Role
from ordertrail.access.verbs import Verb
from ordertrail.kernel.numbers import count
from ordertrail.services import Services
from ordertrail.web.auth.admission import access_of, admit
from ordertrail.web.pages.accounts import scope_words
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.regions import Region, ask, denied, ready
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.shell import services_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class RoleRow:
    """A role and what it is for."""

    name: str
    purpose: str
    verbs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A verb, what it allows, and for each role whether it does."""

    verb: str
    meaning: str
    allowed: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Apart:
    """Two verbs that should not meet in one person."""

    one: str
    other: str
    refused: bool
    why: str


@dataclass(frozen=True, slots=True)
class AccountRow:
    """A person or a service that may come in."""

    name: str
    title: str
    kind: str
    state: str
    roles: tuple[str, ...]
    scope: str


@dataclass(frozen=True, slots=True)
class Setting:
    """How something is set up."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class SettingsPage:
    """What the page shows."""

    roles: tuple[RoleRow, ...]
    matrix: tuple[MatrixRow, ...]
    apart: tuple[Apart, ...]
    accounts: Region[tuple[AccountRow, ...]]
    setup: tuple[Setting, ...]
    own_roles: tuple[str, ...]


@router.get("/settings", include_in_schema=False)
def settings(request: Request, who: Annotated[Principal, Depends(admit(Verb.SETTINGS_READ))]) -> Response:
    """Show who may do what, and how the trail is set up."""
    managers = tuple(role.value for role in Role if Verb.ACCOUNTS_MANAGE in ALLOWS[role])
    accounts: Region[tuple[AccountRow, ...]] = (
        ask("People and services", lambda: ready("People and services", _accounts(request, who)), "/settings")
        if who.may(Verb.ACCOUNTS_MANAGE)
        else denied("People and services", "look after accounts", str(Verb.ACCOUNTS_MANAGE), managers)
    )
    page = SettingsPage(
        roles=tuple(
            RoleRow(role.value, PURPOSE[role], tuple(sorted(verb.value for verb in ALLOWS[role])))
            for role in Role
        ),
        matrix=tuple(
            MatrixRow(verb.value, _meaning(verb), tuple(verb in ALLOWS[role] for role in Role))
            for verb in Verb
        ),
        apart=tuple(
            Apart(one.one.value, one.other.value, one.weight == "refused", one.why) for one in SEPARATED
        ),
        accounts=accounts,
        setup=tuple(_setup(services_of(request))),
        own_roles=who.roles,
    )
    return render(request, who, View("settings.html", "Settings"), page)


def _accounts(request: Request, who: Principal) -> tuple[AccountRow, ...]:
    return tuple(_account(one) for one in access_of(request).people.every(who))


def _account(one: Account) -> AccountRow:
    roles = tuple(role.value for role in one.roles)
    return AccountRow(one.name, one.title, one.kind.value, one.state.value, roles, scope_words(one.scope))


def _meaning(verb: Verb) -> str:
    """Return what a verb allows, in words."""
    return _MEANINGS[verb]


_MEANINGS = {
    Verb.STATUS_READ: "See whether the trail is whole",
    Verb.METRICS_READ: "Read the figures of monitoring",
    Verb.EVENTS_RECORD: "Record events",
    Verb.EVENTS_SEARCH: "Search and read events and orders",
    Verb.ACTIVITY_READ: "See what people did, and who saw what",
    Verb.IDENTITIES_REVEAL: "Open a sealed value, with a reason",
    Verb.PROOFS_READ: "Have an event proven",
    Verb.INTEGRITY_CHECK: "Run a full check",
    Verb.VIEWS_WRITE: "Save views and make permanent links",
    Verb.EXPORTS_MAKE: "Take many events out",
    Verb.CASES_READ: "Read cases",
    Verb.CASES_WRITE: "Open cases and add to them",
    Verb.CASES_SIGN: "Sign off a case that somebody else prepared",
    Verb.ALERTS_READ: "Read alerts",
    Verb.ALERTS_TRIAGE: "Own, snooze and close alerts",
    Verb.RULES_READ: "Read the rules that watch the trail",
    Verb.RULES_WRITE: "Write rules",
    Verb.RULES_APPROVE: "Approve a rule that somebody else wrote",
    Verb.LINKS_READ: "Read what other systems say of an order",
    Verb.LINKS_DECIDE: "Decide whether two systems speak of one order",
    Verb.RETENTION_READ: "Read terms, holds and certificates",
    Verb.RETENTION_WRITE: "Ask for a hold, a purge or an erasure",
    Verb.RETENTION_APPROVE: "Approve what somebody else asked to let go",
    Verb.INTAKE_READ: "See sources and what did not enter",
    Verb.INTAKE_OPERATE: "Repair, replay and discard what did not enter",
    Verb.SETTINGS_READ: "Read how the trail is set up",
    Verb.SETTINGS_WRITE: "Change routes of notification and other settings",
    Verb.ACCOUNTS_MANAGE: "Add people, give roles, make keys",
    Verb.GLASS_BREAK: "Take further rights for a short time, with a reason",
}


def _setup(services: Services) -> list[Setting]:
    trail = services.trail
    told = [Setting("Logs", ", ".join(f"{name} ({one.identity.origin})" for name, one in trail.logs.items()))]
    told += [
        Setting(f"Kept, log {name}", f"{one.identity.keep_days:,} days") for name, one in trail.logs.items()
    ]
    stampers = [one.name for one in trail.attestors.timestampers]
    witnesses = [one.name for one in trail.attestors.policy.witnesses] if trail.attestors.policy else []
    told += [
        Setting(
            "Anchored",
            f"every {trail.cadence.seconds:g} s, or {count(trail.cadence.entries, 'entry', 'entries')}",
        ),
        Setting("Time-stamp authorities", ", ".join(stampers) or "none"),
        Setting("Witnesses", ", ".join(witnesses) or "none"),
        Setting("Sales channels", ", ".join(services.intake.sources) if services.intake else "none"),
        Setting("Actions of its own", ", ".join(trail.actions.own) or "none"),
    ]
    return told
