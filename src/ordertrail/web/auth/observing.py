"""Every read of evidence by somebody is itself evidence: put on record before the answer is given.

A read that cannot be put on record does not happen. Both functions write to disk: call them from a thread, as FastAPI
runs endpoints that are not ``async``, or with ``run_in_threadpool``.
"""

from collections.abc import Sequence
from typing import Final

from starlette.requests import HTTPConnection

from ordertrail.access.principal import Known, Principal
from ordertrail.access.telling import Deed, Teller, Where, actor_of
from ordertrail.access.verbs import Verb
from ordertrail.capture.requests import parse_traceparent, request_id
from ordertrail.record.event import Change, Subject

_LONGEST_ID: Final = 200
_LONGEST: Final = 2_000


def observe(  # noqa: PLR0913, PLR0917 - what an event needs; every page and address calls it
    request: HTTPConnection,
    who: Principal,
    action: str,
    subject_kind: str,
    subject_id: str,
    reason: str = "",
    details: Sequence[tuple[str, str | int]] = (),
    *,
    order: str | None = None,
    tenant: str | None = None,
) -> None:
    """Record that somebody read evidence. Durable when it returns; raises UnavailableError where it cannot be.

    ``details`` (the filter's sentence, the number of hits) become what the event says was there, each under its name.
    """
    subject = Subject(subject_kind, _id(subject_id), order, tenant or _tenant(who))
    _teller(request).tell(
        Deed(action, actor_of(who), subject, where_of(request, who), reason, _changes(details))
    )


def denied(request: HTTPConnection, who: Principal, verb: Verb) -> None:
    """Record that somebody who is known was refused an address: its path, without what was asked of it."""
    changes = _changes([("method", str(request.scope.get("method", ""))), ("verb", verb.value)])
    subject = Subject("address", _id(request.url.path), None, _tenant(who))
    deed = Deed("access.deny", actor_of(who), subject, where_of(request, who), changes=changes)
    _teller(request).tell(deed, outcome="denied")


def where_of(request: HTTPConnection, who: Principal | None = None) -> Where:
    """Return from where a request comes, as events tell it."""
    known: str | None = getattr(request.state, "request_id", None)
    trace: str | None = getattr(request.state, "trace", None) or request.headers.get("traceparent")
    return Where(
        ip=request.client.host if request.client else None,
        user_agent=request.headers.get("user-agent"),
        request=known if known is not None else request_id(request.headers.get("x-request-id")),
        trace=parse_traceparent(trace),
        channel="api" if who is not None and who.known is Known.KEY else "web",
    )


def _teller(request: HTTPConnection) -> Teller:
    teller: Teller = request.app.state.services.access.teller
    return teller


def _changes(details: Sequence[tuple[str, str | int]]) -> list[Change]:
    """Return details as what an event says was there, each under its name (RFC 6901)."""
    return [
        Change("/" + name.replace("~", "~0").replace("/", "~1"), after=_plain(value))
        for name, value in details
    ]


def _plain(value: str | int) -> str | int:
    return value if isinstance(value, int) else _text(value)[:_LONGEST]


def _id(text: str) -> str:
    return _text(text)[:_LONGEST_ID] or "unknown"


def _text(text: str) -> str:
    """Return a text that every reader of JSON can read."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def _tenant(who: Principal) -> str | None:
    """Return the tenant whose evidence somebody reads, where they look at one alone."""
    tenants = who.scope.tenants
    return next(iter(tenants)) if tenants is not None and len(tenants) == 1 else None
