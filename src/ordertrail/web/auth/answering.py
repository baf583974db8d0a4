"""What the addresses of access have in common: their forms, their answers, and the cookies with them."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Final, ParamSpec, TypeVar
from urllib.parse import quote

from anyio import CapacityLimiter
from anyio.lowlevel import RunVar
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ordertrail.access.entrance import Admitted, Attempt
from ordertrail.access.recognising import Recognised
from ordertrail.access.secrets import new_token
from ordertrail.access.session import Stage
from ordertrail.kernel.errors import InputError, OrderTrailError, UnavailableError
from ordertrail.web.auth import cookies, csrf
from ordertrail.web.auth.admission import access_of
from ordertrail.web.auth.pages import Page, PageKind, respond
from ordertrail.web.auth.refusing import AccessRefusedError, may_not, not_now, safe_target

SECOND: Final = "/sign-in/second"
ENROL: Final = "/sign-in/enrol"
AGAIN: Final = "/sign-in/again"
GLASS: Final = "/glass"
PASSWORD: Final = "/me/password"  # noqa: S105 - an address
_BACK_TO: Final = frozenset({ENROL, GLASS, PASSWORD})

Given = ParamSpec("Given")
Value = TypeVar("Value")


_AT_ONCE: Final = 8
"""What waits for hashes and stores of access at once: many who sign in take no threads from who reads."""
_turns: Final[RunVar[CapacityLimiter]] = RunVar("turns of access")


async def done(act: Callable[Given, Value], *given: Given.args, **named: Given.kwargs) -> Value:
    """Do something that waits for a store or a hash, in a thread; where it cannot be done now, say so."""
    turns = _turns.get(None)
    if turns is None:
        turns = CapacityLimiter(_AT_ONCE)
        _turns.set(turns)
    try:
        return await run_sync(partial(act, *given, **named), limiter=turns)
    except UnavailableError:
        raise not_now() from None


async def acted(act: Callable[Given, Value], *given: Given.args, **named: Given.kwargs) -> Value:
    """As :func:`done`; what is wrong with what was asked for is a problem (422) that names all of it."""
    try:
        return await done(act, *given, **named)
    except InputError as error:
        raise AccessRefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, error.message) from None


async def stranger_form(request: Request) -> dict[str, str]:
    """Return the form of somebody who is not signed in. Raises AccessRefusedError where no page of ours made it."""
    token = cookies.browser_token(request, access_of(request).rules)
    if token is None:
        raise may_not("the page is too old, or your browser takes no cookies; load it again")
    await csrf.check(request, token)
    return await csrf.form(request)


def stranger_page(request: Request, page: Page, status: int = HTTPStatus.OK) -> Response:
    """Answer with a page for somebody who is not signed in; their browser gets a token of its own."""
    access = access_of(request)
    browser = cookies.browser_token(request, access.rules) or new_token()
    house = None if access.federation is None else access.federation.name
    response = respond(request, replace(page, token=csrf.token_of(browser), house=house), status)
    cookies.set_browser(response, browser, access.rules)
    return response


def own_page(request: Request, page: Page, status: int = HTTPStatus.OK, token: str | None = None) -> Response:
    """Answer with a page for whoever has a session; ``token`` where that is a new one."""
    return respond(request, replace(page, token=csrf.token(request) if token is None else token), status)


def after(request: Request, attempt: Attempt, page: Page, wrong: str) -> Response:
    """Answer a try to get further."""
    if attempt.admitted is Admitted.WAIT:
        told = f"There were too many tries. Wait {attempt.wait} s, then try again."
        response = _again(request, replace(page, message=told), HTTPStatus.TOO_MANY_REQUESTS)
        response.headers["Retry-After"] = str(attempt.wait)
        return response
    if attempt.admitted is Admitted.REFUSED:
        return _again(request, replace(page, message=wrong), HTTPStatus.FORBIDDEN)
    return with_session(
        request, RedirectResponse(_onwards(attempt, page.target), HTTPStatus.SEE_OTHER), attempt
    )


def with_session(request: Request, response: Response, attempt: Attempt) -> Response:
    """Give a browser its new token; what it had to sign in with is forgotten."""
    rules = access_of(request).rules
    if attempt.token is not None:
        cookies.set_session(response, attempt.token, rules)
        if attempt.admitted is Admitted.IN:
            cookies.drop_browser(response, rules)
    return response


def stale(request: Request, found: Recognised, here: str) -> Response | None:
    """Send somebody to prove again who they are, where that was too long ago for what they want here."""
    access = access_of(request)
    if found.session.stage is not Stage.FULL:
        return None
    if found.session.fresh(access.recognising.clock(), access.rules.fresh):
        return None
    where = f"/oidc/depart?next={here}" if found.account.bound is not None else f"{AGAIN}?next={here}"
    return RedirectResponse(where, HTTPStatus.SEE_OTHER)


def stopped(request: Request, error: OrderTrailError) -> Response:
    """Say why somebody who came back from another house is not signed in."""
    status = HTTPStatus.SERVICE_UNAVAILABLE if isinstance(error, UnavailableError) else HTTPStatus.FORBIDDEN
    return respond(request, Page(PageKind.STOPPED, "", message=error.message), status)


def own_target(target: str | None) -> str:
    """Return where to go on to after proving again: a page that asked for it, or any other of ours."""
    return target if target in _BACK_TO else safe_target(target)


def problems_of(error: InputError) -> tuple[str, ...]:
    """Return what is wrong, for a person."""
    return tuple(
        f"The {one.path} {one.message}." if one.path else f"{one.message}." for one in error.problems
    )


def _onwards(attempt: Attempt, target: str) -> str:
    steps = {Admitted.SECOND: SECOND, Admitted.ENROL: ENROL}
    step = steps.get(attempt.admitted)
    return target if step is None else f"{step}?next={quote(target, safe='/')}"


def _again(request: Request, page: Page, status: int) -> Response:
    """Show the form again: a stranger's, or one of somebody who got so far."""
    return (stranger_page if page.kind is PageKind.SIGN_IN else own_page)(request, page, status)
