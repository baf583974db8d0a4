"""The addresses of whoever is signed in, about themselves.

::

    GET      /me                      who I am, and what I may do, as JSON
    GET POST /me/password             change my password
    GET POST /sign-in/again           the password again, before what needs a fresh proof
    GET POST /sign-in/enrol           set up a second factor; answers with recovery codes, once
    GET POST /glass                   break the glass
    POST     /glass/mend              give the rights back
"""

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ordertrail.access.entrance import Admitted
from ordertrail.access.principal import Principal
from ordertrail.access.recognising import Recognised
from ordertrail.access.roles import BEHIND_GLASS, verbs_of
from ordertrail.access.session import Stage
from ordertrail.access.verbs import Verb
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import InputError
from ordertrail.web.auth import cookies, csrf
from ordertrail.web.auth.admission import SignedIn, access_of, by_key, public, recognised
from ordertrail.web.auth.answering import (
    AGAIN,
    ENROL,
    GLASS,
    PASSWORD,
    after,
    done,
    own_page,
    own_target,
    problems_of,
    stale,
    with_session,
)
from ordertrail.web.auth.observing import where_of
from ordertrail.web.auth.pages import Page, PageKind, respond
from ordertrail.web.auth.refusing import may_not, not_known, safe_target

router = APIRouter()

_READS: Final = {
    Verb.EVENTS_SEARCH: "search and read events",
    Verb.ACTIVITY_READ: "see what people did",
    Verb.PROOFS_READ: "have events proven",
    Verb.IDENTITIES_REVEAL: "see names and open sealed values",
    Verb.ALERTS_READ: "read alerts",
    Verb.CASES_READ: "read cases",
    Verb.LINKS_READ: "read what other systems say",
    Verb.INTAKE_READ: "see what did not enter",
}

Person = Annotated[Recognised, Depends(SignedIn())]
Enrolling = Annotated[Recognised, Depends(SignedIn(Stage.ENROL, Stage.FULL))]


@router.get("/me", dependencies=[Depends(public)])
async def me(request: Request) -> dict[str, Any]:
    """Say who asks, and what they may do."""
    if "authorization" in request.headers:
        return _told(await by_key(request))
    found = await recognised(request)
    if found is None or found.who is None:
        raise not_known(request)
    access = access_of(request)
    glass = found.session.broken(access.recognising.clock())
    return _told(found.who) | {
        "csrf_token": csrf.token(request),
        "second_factor": found.account.totp is not None,
        "recovery_codes": await run_in_threadpool(access.factors.codes_left, found.account),
        "signed_in": format_time(found.session.created),
        "ends": format_time(found.session.ends(access.rules)),
        "glass": None if glass is None else {"until": format_time(glass.until), "verbs": sorted(glass.verbs)},
    }


@router.get(PASSWORD)
async def password_page(request: Request, found: Person) -> Response:
    """Ask for the old password and a new one."""
    del found
    return own_page(request, Page(PageKind.PASSWORD, PASSWORD))


@router.post(PASSWORD)
async def password(request: Request, found: Person) -> Response:
    """Change one's password: everybody who was signed in with the old one signs in again."""
    sent, access, where = await csrf.form(request), access_of(request), where_of(request)
    page = Page(PageKind.PASSWORD, PASSWORD)
    attempt = await done(
        access.entrance.prove_again, found.session, found.account, sent.get("old", ""), where
    )
    if attempt.admitted is not Admitted.IN:
        return after(request, attempt, page, "The password is not right.")
    try:
        await done(access.people.set_password, found.account, found.account, sent.get("password", ""), where)
    except InputError as error:
        response = own_page(
            request,
            replace(page, problems=problems_of(error)),
            HTTPStatus.UNPROCESSABLE_ENTITY,
            csrf.token_of(attempt.token or ""),
        )
        return with_session(request, response, attempt)
    response = RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER)
    cookies.drop_session(response, access.rules)
    return response


@router.get(GLASS)
async def glass_page(request: Request, found: Person, next: str = "/") -> Response:  # noqa: A002 - as above
    """Say what can be taken, and ask why."""
    if Verb.GLASS_BREAK not in verbs_of(found.account.roles):
        raise may_not("your roles do not let you break the glass")
    return stale(request, found, GLASS) or own_page(request, _glass(found, safe_target(next)))


@router.post(GLASS)
async def glass(request: Request, found: Person) -> Response:
    """Give further rights for a short time; everybody is told."""
    early = stale(request, found, GLASS)
    if early is not None:
        return early
    sent, access = await csrf.fields(request), access_of(request)
    known = {verb.value: verb for verb in Verb}
    target = safe_target(next(iter(sent.get("next", [])), None))
    reason = next(iter(sent.get("reason", [])), "")
    verbs = [known[name] for name in sent.get("verbs", []) if name in known]
    try:
        token, _ = await done(
            access.glass.take, found.session, found.account, verbs, reason, where_of(request)
        )
    except InputError as error:
        page = replace(_glass(found, target), problems=problems_of(error))
        return own_page(request, page, HTTPStatus.UNPROCESSABLE_ENTITY)
    response = RedirectResponse(target, HTTPStatus.SEE_OTHER)
    cookies.set_session(response, token, access.rules)
    return response


@router.post("/glass/mend")
async def mend(request: Request, found: Person) -> Response:
    """Give the further rights back."""
    access = access_of(request)
    token = await done(access.glass.mend, found.session)
    response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    cookies.set_session(response, token, access.rules)
    return response


@router.get(ENROL)
async def enrol_page(
    request: Request,
    found: Enrolling,
    next: str = "/",  # noqa: A002 - as above
) -> Response:
    """Offer a second factor."""
    early = stale(request, found, ENROL)
    if early is not None:
        return early
    offer = access_of(request).factors.offer(found.account)
    return own_page(request, Page(PageKind.ENROL, ENROL, target=safe_target(next), offer=offer))


@router.post(ENROL)
async def enrol(request: Request, found: Enrolling) -> Response:
    """Keep an offered factor; answer with recovery codes and a new session."""
    early = stale(request, found, ENROL)
    if early is not None:
        return early
    sent, access, where = await csrf.form(request), access_of(request), where_of(request)
    target = safe_target(sent.get("next"))
    try:
        codes = await done(
            access.factors.enrol, found.account, sent.get("sealed", ""), sent.get("code", ""), where
        )
    except InputError as error:
        offer = access.factors.offer(found.account)
        page = Page(PageKind.ENROL, ENROL, target=target, problems=problems_of(error), offer=offer)
        return own_page(request, page, HTTPStatus.UNPROCESSABLE_ENTITY)
    attempt = await done(
        access.entrance.begin, found.account, Stage.FULL, where, "second factor set up", found.session
    )
    response = respond(request, Page(PageKind.CODES, "", target=target, codes=codes))
    return with_session(request, response, attempt)


@router.get(AGAIN)
async def again_page(request: Request, found: Person, next: str = "/") -> Response:  # noqa: A002 - as above
    """Ask for the password again."""
    del found
    return own_page(request, Page(PageKind.AGAIN, AGAIN, target=own_target(next)))


@router.post(AGAIN)
async def again(request: Request, found: Person) -> Response:
    """Try the password again."""
    sent = await csrf.form(request)
    attempt = await done(
        access_of(request).entrance.prove_again,
        found.session,
        found.account,
        sent.get("password", ""),
        where_of(request),
    )
    page = Page(PageKind.AGAIN, AGAIN, target=own_target(sent.get("next")))
    return after(request, attempt, page, "The password is not right.")


def _told(who: Principal) -> dict[str, Any]:
    scope = who.scope
    return {
        "id": who.id,
        "kind": who.kind,
        "name": who.name,
        "known": who.known.value,
        "roles": sorted(who.roles),
        "verbs": sorted(verb.value for verb in who.verbs),
        "scope": {
            "tenants": None if scope.tenants is None else sorted(scope.tenants),
            "channels": sorted(scope.channels),
            "regions": sorted(scope.regions),
        },
        "sees_identities": who.sees_identities,
    }


def _glass(found: Recognised, target: str) -> Page:
    """Return the page that says what somebody can take beyond what they have."""
    missing = BEHIND_GLASS - verbs_of(found.account.roles)
    verbs = tuple((verb.value, _READS[verb]) for verb in _READS if verb in missing or _is_hidden(verb, found))
    return Page(PageKind.GLASS, GLASS, target=target, verbs=verbs)


def _is_hidden(verb: Verb, found: Recognised) -> bool:
    """Say whether a role allows it, and the account's own setting does not."""
    return verb is Verb.IDENTITIES_REVEAL and not found.account.sees_identities
