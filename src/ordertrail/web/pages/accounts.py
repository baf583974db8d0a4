"""People and keys: who may come in, by which roles, to look where; and the keys of programs.

What is secret (an invitation, a key) is shown once, on the page that answers the form, and is kept by no browser.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from ordertrail.access.account import Account, Kind
from ordertrail.access.administration import Wanted
from ordertrail.access.key import ApiKey
from ordertrail.access.principal import Principal, Scope
from ordertrail.access.roles import NOT_BY_KEY, PURPOSE, Role, verbs_of
from ordertrail.access.service import Access
from ordertrail.access.verbs import Verb
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import InputError
from ordertrail.web.auth.admission import access_of, admit
from ordertrail.web.auth.observing import where_of
from ordertrail.web.pages.forms import Posted, posted
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.reading import Moment, Reading
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.shell import reading_for, services_of

_HERE: Final = "/accounts"
_LIFE: Final = 90
"""Days that a key is good, where nobody says otherwise."""

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Administrator = Annotated[Principal, Depends(admit(Verb.ACCOUNTS_MANAGE))]


@dataclass(frozen=True, slots=True)
class RoleChoice:
    """A role that can be given, and whether it is."""

    name: str
    purpose: str
    given: bool


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key that is good."""

    id: str
    label: str
    ends: Moment
    used: Moment | None
    verbs: str
    href: str


@dataclass(frozen=True, slots=True)
class AccountCard:
    """An account, and all that can be changed of it. Names of a scope are separated by spaces."""

    name: str
    title: str
    id: str
    href: str
    is_person: bool
    withdrawn: bool
    own: bool
    """The reader's own: nobody changes what they may do themselves."""
    elsewhere: bool
    """They sign in at another house, and have no password here."""
    factor: bool
    roles: tuple[RoleChoice, ...]
    given: tuple[str, ...]
    scope: str
    tenants: str
    channels: str
    regions: str
    sees_identities: bool
    keys: tuple[KeyRow, ...]


@dataclass(frozen=True, slots=True)
class Secret:
    """What is shown once: what it is, whose, the text, and until when it is good."""

    name: str
    account: str
    text: str
    ends: Moment
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AccountsPage:
    """What the page shows."""

    accounts: tuple[AccountCard, ...]
    roles: tuple[RoleChoice, ...]
    secret: Secret | None
    days: int


@router.get("/accounts", include_in_schema=False)
def accounts(request: Request, who: Administrator) -> Response:
    """Show the accounts that the reader may look after."""
    return _page(request, who, None)


@router.post("/accounts", include_in_schema=False)
async def add(request: Request, who: Administrator, form: Annotated[Posted, Depends(posted)]) -> Response:
    """Add an account, and invite its person."""
    return await run_in_threadpool(_add, request, who, form)


@router.post("/accounts/{name}", include_in_schema=False)
async def change(
    request: Request, who: Administrator, name: str, form: Annotated[Posted, Depends(posted)]
) -> Response:
    """Change an account's roles and scope, withdraw or readmit it, invite its person, or let a factor go."""
    return await run_in_threadpool(_change, request, who, name, form)


@router.post("/accounts/{name}/keys", include_in_schema=False)
async def make_key(
    request: Request, who: Administrator, name: str, form: Annotated[Posted, Depends(posted)]
) -> Response:
    """Make a key of a service, for all that it may by a key."""
    return await run_in_threadpool(_make_key, request, who, name, form)


@router.post("/accounts/keys/{key}/withdrawal", include_in_schema=False)
async def withdraw_key(
    request: Request, who: Administrator, key: str, form: Annotated[Posted, Depends(posted)]
) -> Response:
    """Withdraw a key."""
    where, reason = where_of(request, who), form.get("reason").strip()
    await run_in_threadpool(access_of(request).keyring.withdraw, who, key, where, reason)
    return RedirectResponse(_HERE, 303)


def _add(request: Request, who: Principal, form: Posted) -> Response:
    people, where = access_of(request).people, where_of(request, who)
    kind = Kind.SERVICE if form.get("kind") == "service" else Kind.PERSON
    given = people.add(
        who, form.get("name"), form.get("title") or form.get("name"), _wanted(form), where, kind=kind
    )
    warnings = tuple(one.why for one in given.warnings)
    if kind is Kind.SERVICE:
        return _key_page(request, who, given.account, form, warnings)
    return _invited(request, who, given.account.id, given.account.name, warnings)


def _change(request: Request, who: Principal, name: str, form: Posted) -> Response:
    people, where, reason = access_of(request).people, where_of(request, who), form.get("reason")
    match form.get("act"):
        case "rights":
            people.change(who, name, _wanted(form), where)
        case "withdraw":
            people.withdraw(who, name, where, reason)
        case "readmit":
            people.readmit(who, name, where, reason)
        case "factor":
            people.forget_factor(who, name, where, reason)
        case "invite":
            return _invited(request, who, name, name, ())
        case other:
            raise InputError(f"nothing is called {other[:40]!r} here", remedy="Use a button of the page.")
    return RedirectResponse(f"{_HERE}#{quote(name)}", 303)


def _make_key(request: Request, who: Principal, name: str, form: Posted) -> Response:
    return _key_page(request, who, access_of(request).people.seen(who, name), form, ())


def _key_page(
    request: Request, who: Principal, account: Account, form: Posted, warnings: tuple[str, ...]
) -> Response:
    said = form.get("days") or str(_LIFE)
    if not (said.isascii() and said.isdecimal() and len(said) < 4):
        raise InputError("a key is good for a number of days, 1 to 366", remedy="Write a number of days.")
    made = access_of(request).keyring.make(
        who,
        account,
        form.get("label") or account.name,
        verbs_of(account.roles) - NOT_BY_KEY,
        timedelta(days=int(said)),
        where_of(request, who),
    )
    ends = reading_for(request).moment(format_time(made.key.ends))
    return _page(request, who, Secret("key", account.name, made.text, ends, warnings))


def _invited(request: Request, who: Principal, name: str, shown: str, warnings: tuple[str, ...]) -> Response:
    token, ends = access_of(request).people.invite(who, name, where_of(request, who))
    moment = reading_for(request).moment(format_time(ends))
    return _page(request, who, Secret("invitation", shown, token, moment, warnings))


def _wanted(form: Posted) -> Wanted:
    known = {role.value: role for role in Role}
    roles = tuple(dict.fromkeys(known[name] for name in form.every("role") if name in known))
    tenants = form.get("tenants").split()
    scope = Scope(
        frozenset(tenants) if tenants else None,
        frozenset(form.get("channels").split()),
        frozenset(form.get("regions").split()),
    )
    return Wanted(roles, scope, form.get("sees_identities") == "yes")


def _page(request: Request, who: Principal, secret: Secret | None) -> Response:
    access, reading = access_of(request), reading_for(request)
    now = services_of(request).trail.clock()
    keys = [key for key in access.keyring.of(who) if key.alive(now)]
    page = AccountsPage(tuple(_cards(access, who, keys, reading)), _choices(()), secret, _LIFE)
    answer = render(request, who, View("accounts.html", "People and keys"), page)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _cards(access: Access, who: Principal, keys: list[ApiKey], reading: Reading) -> Iterator[AccountCard]:
    for one in sorted(access.people.every(who), key=lambda account: (not account.active, account.name)):
        scope = one.scope
        yield AccountCard(
            name=one.name,
            title=one.title,
            id=one.id,
            href=f"{_HERE}/{quote(one.name, safe='')}",
            is_person=one.kind is Kind.PERSON,
            withdrawn=not one.active,
            own=one.id == who.id,
            elsewhere=one.bound is not None,
            factor=one.totp is not None,
            roles=_choices(one.roles),
            given=tuple(role.value for role in one.roles),
            scope=scope_words(scope),
            tenants=" ".join(sorted(scope.tenants or ())),
            channels=" ".join(sorted(scope.channels)),
            regions=" ".join(sorted(scope.regions)),
            sees_identities=one.sees_identities,
            keys=tuple(_key(key, reading) for key in keys if key.account == one.id),
        )


def _key(key: ApiKey, reading: Reading) -> KeyRow:
    return KeyRow(
        key.id,
        key.label,
        reading.moment(format_time(key.ends)),
        None if key.used is None else reading.moment(format_time(key.used)),
        ", ".join(sorted(key.verbs)),
        f"{_HERE}/keys/{quote(key.id, safe='')}/withdrawal",
    )


def _choices(given: tuple[Role, ...]) -> tuple[RoleChoice, ...]:
    return tuple(RoleChoice(role.value, PURPOSE[role], role in given) for role in Role)


def scope_words(scope: Scope) -> str:
    """Return where somebody may look, in words."""
    parts = [] if scope.tenants is None else [f"tenants {', '.join(sorted(scope.tenants)) or 'none'}"]
    parts += [f"channels {', '.join(sorted(scope.channels))}"] if scope.channels else []
    parts += [f"regions {', '.join(sorted(scope.regions))}"] if scope.regions else []
    return "; ".join(parts) or "everywhere"
