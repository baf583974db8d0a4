"""The one dependency of every address: who asks, and whether they may.

::

    @router.get("/events")
    def events(who: Annotated[Principal, Depends(admit(Verb.EVENTS_SEARCH))]) -> ...: ...

    @router.get("/healthz", dependencies=[Depends(public)])

Whoever sends ``Authorization: Bearer ot_…`` is a program, and its key alone counts; otherwise the cookie of a session
does. Not known is 401, or the page to sign in where a person with a browser asks; known and not allowed is 403, and an
event. A request of a session that changes something carries its token (:mod:`ordertrail.web.auth.csrf`). A route with
neither dependency is a fault of the program: :func:`unguarded` finds it, and a test asks.
"""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Final

from fastapi import Security
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.routing import BaseRoute

from ordertrail.access.principal import Principal
from ordertrail.access.recognising import Recognised
from ordertrail.access.service import Access
from ordertrail.access.session import Stage
from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import UnavailableError
from ordertrail.web.auth import csrf
from ordertrail.web.auth.cookies import session_token
from ordertrail.web.auth.observing import denied
from ordertrail.web.auth.refusing import AccessRefusedError, may_not, not_known, not_now

_Bearer: Final = HTTPBearer(
    auto_error=False, scheme_name="apiKey", bearerFormat="ot_<id>_<secret>", description="An API key."
)
_Cookie: Final = APIKeyCookie(
    name="__Host-ordertrail", auto_error=False, scheme_name="session", description="A session of a browser."
)


def access_of(request: HTTPConnection) -> Access:
    """Return the application's access."""
    access: Access = request.app.state.services.access
    return access


class Admission:
    """Lets in who may do a verb; the principal is also at ``request.state.principal``."""

    def __init__(self, verb: Verb) -> None:
        self.verb = verb

    async def __call__(
        self,
        request: Request,
        _bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_Bearer)] = None,
        _cookie: Annotated[str | None, Security(_Cookie)] = None,
    ) -> Principal:
        """Return who asks. Raises AccessRefusedError where they are not known, or may not."""
        who = await self._who(request)
        if not who.may(self.verb):
            with _on_record():
                await run_in_threadpool(denied, request, who, self.verb)
            raise may_not(f"your roles do not let you do this ({self.verb})")
        request.state.principal = who
        return who

    async def _who(self, request: Request) -> Principal:
        if "authorization" in request.headers:
            return await by_key(request)
        found = await recognised(request)
        if found is None or found.who is None:
            raise not_known(request)
        return found.who


def admit(verb: Verb) -> Callable[..., Coroutine[Any, Any, Principal]]:
    """Return the dependency that lets in who may do this verb, and hands on who it is."""
    return Admission(verb)


def public() -> None:
    """Marks an address that everybody may open."""


class SignedIn:
    """Lets in anybody who is signed in with a browser, as far as they got: for the pages of signing in themselves."""

    def __init__(self, *stages: Stage) -> None:
        self.stages = stages or (Stage.FULL,)

    async def __call__(self, request: Request) -> Recognised:
        """Return the session and its account. Raises AccessRefusedError for anybody else."""
        found = await recognised(request)
        if found is None or found.session.stage not in self.stages:
            raise not_known(request)
        return found


async def by_key(request: HTTPConnection) -> Principal:
    """Return whose API key a request has. Raises AccessRefusedError for any other."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or len(request.headers.getlist("authorization")) != 1:
        raise not_known(request, "send one API key, as Authorization: Bearer ot_…")
    with _on_record():
        who = await run_in_threadpool(access_of(request).recognising.by_key, text.strip())
    if who is None:
        raise not_known(request, "the API key is not good, or not good any more")
    return who


async def recognised(request: Request) -> Recognised | None:
    """Return the session that a request came with, None where it has none that is alive.

    Raises AccessRefusedError for a request that would change something and was not made by a page of ours.
    """
    access = access_of(request)
    token = session_token(request, access.rules)
    if token is None:
        return None
    with _on_record():
        found = await run_in_threadpool(access.recognising.by_session, token)
    if found is not None and request.method not in csrf.SAFE:
        await csrf.check(request, token)
    return found


@contextmanager
def _on_record() -> Iterator[None]:
    """Refuse, for now, where a store does not answer: nobody is let in on a guess."""
    try:
        yield
    except UnavailableError:
        raise not_now() from None


def guards(route: RouteContext) -> list[object]:
    """Return what guards a route: admissions, and the marker of what everybody may open."""
    dependant: Dependant | None = getattr(route, "dependant", None)
    return [] if dependant is None else list(_guards(dependant))


def _guards(dependant: Dependant) -> Iterator[object]:
    for one in dependant.dependencies:
        if isinstance(one.call, Admission | SignedIn) or one.call is public:
            yield one.call
        yield from _guards(one)


def unguarded(routes: Sequence[BaseRoute]) -> list[RouteContext]:
    """Return the routes, those of included routers too, that do not have exactly one guard."""
    return [route for route in iter_route_contexts(routes) if len(guards(route)) != 1]


__all__ = [
    "AccessRefusedError",
    "Admission",
    "SignedIn",
    "access_of",
    "admit",
    "by_key",
    "guards",
    "public",
    "recognised",
    "unguarded",
]
