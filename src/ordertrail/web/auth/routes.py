"""The addresses of signing in and out; with those of ``own`` and ``accounts`` all of access.

::

    GET POST /sign-in                 name and password
    GET POST /sign-in/second          the code of the second factor, or a recovery code
    GET POST /sign-in/invitation      choose a password with an invitation
    GET POST /sign-out                here, or everywhere
    GET      /oidc/depart             to another house (OpenID Connect)
    GET      /oidc/arrive             and back

Whoever gets further has a new token, and the old one is good for nothing. Secrets stand in bodies, never in addresses.
"""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ordertrail.access.recognising import Recognised
from ordertrail.access.secrets import new_token
from ordertrail.access.session import Stage
from ordertrail.kernel.errors import InputError, OrderTrailError
from ordertrail.web.auth import accounts, cookies, csrf, own
from ordertrail.web.auth.admission import SignedIn, access_of, public, recognised
from ordertrail.web.auth.answering import (
    after,
    done,
    own_page,
    problems_of,
    stopped,
    stranger_form,
    stranger_page,
    with_session,
)
from ordertrail.web.auth.observing import where_of
from ordertrail.web.auth.pages import Page, PageKind
from ordertrail.web.auth.refusing import AccessRefusedError, safe_target

router = APIRouter(tags=["access"], include_in_schema=False)
router.include_router(own.router)
router.include_router(accounts.router)

_WRONG: Final = "The name or the password is not right."
_SECOND: Final = "/sign-in/second"

Stranger = Depends(public)


@router.get("/sign-in", dependencies=[Stranger])
async def sign_in_page(request: Request, next: str = "/") -> Response:  # noqa: A002 - the parameter's name
    """Show the page to sign in."""
    return stranger_page(request, Page(PageKind.SIGN_IN, "/sign-in", target=safe_target(next)))


@router.post("/sign-in", dependencies=[Stranger])
async def sign_in(request: Request) -> Response:
    """Try a name and a password."""
    sent = await stranger_form(request)
    access = access_of(request)
    leaving = cookies.session_token(request, access.rules)
    attempt = await done(
        access.entrance.sign_in, sent.get("name", ""), sent.get("password", ""), where_of(request), leaving
    )
    page = Page(PageKind.SIGN_IN, "/sign-in", target=safe_target(sent.get("next")))
    return after(request, attempt, page, _WRONG)


@router.get(_SECOND)
async def second_page(
    request: Request,
    found: Annotated[Recognised, Depends(SignedIn(Stage.SECOND))],
    next: str = "/",  # noqa: A002 - as above
) -> Response:
    """Ask for the second factor."""
    del found
    return own_page(request, Page(PageKind.SECOND, _SECOND, target=safe_target(next)))


@router.post(_SECOND)
async def second(request: Request, found: Annotated[Recognised, Depends(SignedIn(Stage.SECOND))]) -> Response:
    """Try a code."""
    sent = await csrf.form(request)
    attempt = await done(
        access_of(request).entrance.second_factor,
        found.session,
        found.account,
        sent.get("code", ""),
        where_of(request),
    )
    page = Page(PageKind.SECOND, _SECOND, target=safe_target(sent.get("next")))
    return after(request, attempt, page, "The code is not right, or was used before.")


@router.get("/sign-in/invitation", dependencies=[Stranger])
async def invitation_page(request: Request) -> Response:
    """Ask for an invitation and a password."""
    return stranger_page(request, Page(PageKind.INVITATION, "/sign-in/invitation"))


@router.post("/sign-in/invitation", dependencies=[Stranger])
async def invitation(request: Request) -> Response:
    """Choose a password."""
    sent = await stranger_form(request)
    invited, password = sent.get("invitation", "").strip()[:200], sent.get("password", "")
    try:
        await done(access_of(request).people.accept, invited, password, where_of(request))
    except InputError as error:
        page = Page(PageKind.INVITATION, "/sign-in/invitation", problems=problems_of(error))
        return stranger_page(request, page, HTTPStatus.UNPROCESSABLE_ENTITY)
    return RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER)


@router.get("/sign-out", dependencies=[Stranger])
async def sign_out_page(request: Request) -> Response:
    """Ask whether to sign out here or everywhere."""
    return own_page(request, Page(PageKind.SIGN_OUT, "/sign-out"))


@router.post("/sign-out", dependencies=[Stranger])
async def sign_out(request: Request) -> Response:
    """End the session, and forget its cookie even where it has ended already."""
    access = access_of(request)
    found = await recognised(request)
    if found is not None:
        everywhere = (await csrf.form(request)).get("everywhere") == "yes"
        where = where_of(request)
        await run_in_threadpool(
            access.entrance.sign_out, found.session, found.account, where, everywhere=everywhere
        )
    response = RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER)
    cookies.drop_session(response, access.rules)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@router.get("/oidc/depart", dependencies=[Stranger])
async def oidc_depart(request: Request, next: str = "/") -> Response:  # noqa: A002 - as above
    """Send a browser to the other house."""
    access = access_of(request)
    if access.federation is None:
        raise AccessRefusedError(HTTPStatus.NOT_FOUND, "people sign in here with a name and a password")
    browser = cookies.browser_token(request, access.rules) or new_token()
    try:
        url = await run_in_threadpool(access.federation.depart, browser, safe_target(next))
    except OrderTrailError as error:
        return stopped(request, error)
    response = RedirectResponse(url, HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"})
    cookies.set_browser(response, browser, access.rules)
    return response


@router.get("/oidc/arrive", dependencies=[Stranger])
async def oidc_arrive(request: Request, state: str = "", code: str = "") -> Response:
    """Take a browser that comes back from the other house."""
    access = access_of(request)
    if access.federation is None:
        raise AccessRefusedError(HTTPStatus.NOT_FOUND, "people sign in here with a name and a password")
    browser = cookies.browser_token(request, access.rules) or ""
    leaving = cookies.session_token(request, access.rules)
    try:
        attempt, target = await run_in_threadpool(
            access.federation.arrive, browser, state, code, where_of(request), leaving
        )
    except OrderTrailError as error:
        return stopped(request, error)
    response = RedirectResponse(safe_target(target), HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"})
    cookies.drop_browser(response, access.rules)
    return with_session(request, response, attempt)
