"""The addresses by which accounts and keys are looked after, as JSON.

::

    GET    /access/accounts                       those that one may look after
    POST   /access/accounts                       add one; of a person, with an invitation
    PUT    /access/accounts/{name}/rights         its roles and scope, whole
    POST   /access/accounts/{name}/invitation     a new invitation
    POST   /access/accounts/{name}/withdrawal     it comes in no more; DELETE readmits it
    DELETE /access/accounts/{name}/factor         its second factor is lost
    GET    /access/keys                           those that one may look after
    POST   /access/accounts/{name}/keys           make one of a service
    GET    POST /me/keys                          one's own
    DELETE /access/keys/{key}                     withdraw one

What is not a field is refused, so that nothing is assigned by surplus (mass assignment). Secrets are answered once.
What another tenant has is as if it were not there.
"""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from ordertrail.access.account import Account, AccountState, Kind
from ordertrail.access.administration import Wanted
from ordertrail.access.key import ApiKey
from ordertrail.access.keyring import NewKey
from ordertrail.access.principal import Principal, Scope
from ordertrail.access.recognising import Recognised
from ordertrail.access.roles import NOT_BY_KEY, Role, verbs_of
from ordertrail.access.verbs import Verb
from ordertrail.kernel.clock import format_time
from ordertrail.web.auth.admission import SignedIn, access_of, admit
from ordertrail.web.auth.answering import acted
from ordertrail.web.auth.observing import where_of
from ordertrail.web.auth.refusing import not_known

router = APIRouter()

Administrator = Annotated[Principal, Depends(admit(Verb.ACCOUNTS_MANAGE))]
Person = Annotated[Recognised, Depends(SignedIn())]
Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=1_000)]
Reason = Annotated[str, Query(min_length=1, max_length=400)]


class _Body(BaseModel):
    """A body: read strictly."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Rights(_Body):
    """What an account may do, and where; without ``tenants``, everywhere."""

    roles: Annotated[list[Role], Field(max_length=len(Role))]
    tenants: Names | None = None
    channels: Names = []
    regions: Names = []
    sees_identities: bool = False

    def wanted(self) -> Wanted:
        """Return it in the words of access."""
        tenants = None if self.tenants is None else frozenset(self.tenants)
        scope = Scope(tenants, frozenset(self.channels), frozenset(self.regions))
        return Wanted(tuple(dict.fromkeys(self.roles)), scope, self.sees_identities)


class NewAccount(Rights):
    """An account to be added."""

    name: Annotated[str, Field(max_length=200)]
    title: Annotated[str, Field(max_length=400)]
    kind: Kind = Kind.PERSON


class WantedKey(_Body):
    """A key to be made; without ``verbs``, for all that its account may by a key."""

    label: Annotated[str, Field(max_length=400)]
    days: Annotated[int, Field(ge=1, le=366)] = 90
    verbs: list[Verb] | None = None
    tenants: Names | None = None


@router.get("/access/accounts")
async def accounts(request: Request, who: Administrator) -> dict[str, Any]:
    """List the accounts that somebody may look after."""
    found = await acted(access_of(request).people.every, who)
    return {"accounts": [account_told(one) for one in found]}


@router.post("/access/accounts", status_code=HTTPStatus.CREATED)
async def add(request: Request, who: Administrator, body: NewAccount) -> dict[str, Any]:
    """Add an account; a person's invitation is answered with it, once."""
    people, where = access_of(request).people, where_of(request, who)
    given = await acted(people.add, who, body.name, body.title, body.wanted(), where, kind=body.kind)
    told = {"account": account_told(given.account), "warnings": [one.why for one in given.warnings]}
    if body.kind is Kind.PERSON:
        token, ends = await acted(people.invite, who, given.account.id, where)
        told |= {"invitation": token, "ends": format_time(ends)}
    return told


@router.put("/access/accounts/{name}/rights")
async def change(request: Request, who: Administrator, name: str, body: Rights) -> dict[str, Any]:
    """Give an account just these roles and this scope; whoever is signed in to it signs in again."""
    given = await acted(access_of(request).people.change, who, name, body.wanted(), where_of(request, who))
    return {"account": account_told(given.account), "warnings": [one.why for one in given.warnings]}


@router.post("/access/accounts/{name}/invitation", status_code=HTTPStatus.CREATED)
async def invite(request: Request, who: Administrator, name: str) -> dict[str, str]:
    """Invite a person to choose a password; earlier invitations are good no more."""
    token, ends = await acted(access_of(request).people.invite, who, name, where_of(request, who))
    return {"invitation": token, "ends": format_time(ends)}


@router.post("/access/accounts/{name}/withdrawal", status_code=HTTPStatus.NO_CONTENT)
async def withdraw(request: Request, who: Administrator, name: str, reason: Reason) -> None:
    """Let an account come in no more."""
    await acted(access_of(request).people.withdraw, who, name, where_of(request, who), reason)


@router.delete("/access/accounts/{name}/withdrawal", status_code=HTTPStatus.NO_CONTENT)
async def readmit(request: Request, who: Administrator, name: str, reason: Reason) -> None:
    """Let a withdrawn account come in again."""
    await acted(access_of(request).people.readmit, who, name, where_of(request, who), reason)


@router.delete("/access/accounts/{name}/factor", status_code=HTTPStatus.NO_CONTENT)
async def forget_factor(request: Request, who: Administrator, name: str, reason: Reason) -> None:
    """Take away a second factor that its person has lost."""
    await acted(access_of(request).people.forget_factor, who, name, where_of(request, who), reason)


@router.get("/access/keys")
async def keys(request: Request, who: Administrator) -> dict[str, Any]:
    """List the keys of the accounts that somebody may look after."""
    found = await acted(access_of(request).keyring.of, who)
    return {"keys": [key_told(one) for one in found]}


@router.post("/access/accounts/{name}/keys", status_code=HTTPStatus.CREATED)
async def make_key(request: Request, who: Administrator, name: str, body: WantedKey) -> dict[str, Any]:
    """Make a key of a service; it is answered once."""
    account = await acted(access_of(request).people.seen, who, name)
    return _made_told(await _make(request, who, account, body))


@router.get("/me/keys")
async def own_keys(request: Request, found: Person) -> dict[str, Any]:
    """List one's own keys."""
    own = await acted(access_of(request).keyring.of, _who(request, found), found.account)
    return {"keys": [key_told(one) for one in own]}


@router.post("/me/keys", status_code=HTTPStatus.CREATED)
async def make_own_key(request: Request, found: Person, body: WantedKey) -> dict[str, Any]:
    """Make a key of one's own; it is answered once."""
    return _made_told(await _make(request, _who(request, found), found.account, body))


@router.delete("/access/keys/{key}", status_code=HTTPStatus.NO_CONTENT)
async def withdraw_key(request: Request, found: Person, key: str, reason: Reason) -> None:
    """Withdraw a key: one's own, or one of an account that one looks after."""
    who = _who(request, found)
    await acted(access_of(request).keyring.withdraw, who, key, where_of(request, who), reason)


def _who(request: Request, found: Recognised) -> Principal:
    if found.who is None:
        raise not_known(request)
    return found.who


async def _make(request: Request, who: Principal, account: Account, body: WantedKey) -> NewKey:
    verbs = verbs_of(account.roles) - NOT_BY_KEY if body.verbs is None else frozenset(body.verbs)
    scope = Scope(None if body.tenants is None else frozenset(body.tenants))
    life, where = timedelta(days=body.days), where_of(request, who)
    return await acted(access_of(request).keyring.make, who, account, body.label, verbs, life, where, scope)


def _made_told(made: NewKey) -> dict[str, Any]:
    return {"key": made.text, **key_told(made.key)}


def account_told(account: Account) -> dict[str, Any]:
    """Return an account as it is told to who looks after it: without what it proves itself by."""
    return {
        "id": account.id,
        "name": account.name,
        "title": account.title,
        "kind": account.kind.value,
        "active": account.state is AccountState.ACTIVE,
        "roles": sorted(role.value for role in account.roles),
        **_scope_told(account.scope),
        "sees_identities": account.sees_identities,
        "password": account.password is not None,
        "second_factor": account.totp is not None,
        "issuer": None if account.bound is None else account.bound.issuer,
    }


def key_told(key: ApiKey) -> dict[str, Any]:
    """Return a key as it is listed: without what is secret of it."""
    return {
        "id": key.id,
        "account": key.account,
        "label": key.label,
        "verbs": sorted(verb.value for verb in key.verbs),
        **_scope_told(key.scope),
        "ends": format_time(key.ends),
        "used": None if key.used is None else format_time(key.used),
        "withdrawn": None if key.withdrawn is None else format_time(key.withdrawn),
    }


def _scope_told(scope: Scope) -> dict[str, list[str] | None]:
    return {
        "tenants": None if scope.tenants is None else sorted(scope.tenants),
        "channels": sorted(scope.channels),
        "regions": sorted(scope.regions),
    }
