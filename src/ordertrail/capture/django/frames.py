"""Who is behind a request, found out when the first audited row changes and not before.

``request.user`` is lazy: a request that changes nothing asks nothing. It is looked at each time anew, because it may
change on the way: by logging in, or by a framework that authenticates in the view.
"""

import logging
from typing import Any

from django.core.exceptions import SynchronousOnlyOperation

from ordertrail.capture.context import NOBODY, Frame, acting, within
from ordertrail.capture.django.configuration import Configuration
from ordertrail.capture.requests import parse_address, parse_traceparent, request_id, user_agent
from ordertrail.record.event import Actor, Context

logger = logging.getLogger("ordertrail.capture")


class RequestFrame(Frame):
    """What is known of a request: where it comes from at once, and who is behind it on demand."""

    __slots__ = ("_configuration", "_request", "_user", "_who")

    def __init__(self, request: Any, configuration: Configuration) -> None:
        self._request = request
        self._configuration = configuration
        self._user: Any = None
        self._who: Actor | None = None
        super().__init__(None, context_of(request, configuration))

    @property
    def actor(self) -> Actor | None:
        """Who is behind the request, as it is known now."""
        user = getattr(self._request, "user", None)
        if user is not self._user or self._who is None:
            who = self._resolved(user)
            if who != self._who:
                self._encoded.clear()
            self._user, self._who = user, who
        return self._who

    @actor.setter
    def actor(self, _actor: Actor | None) -> None:
        """Take no actor: the request has it."""

    def encoded(self, tags: tuple[str, ...], defaults: Context) -> bytes:
        """Return actor, context and cause as JSON; what was made for another user is made anew."""
        _ = self.actor
        return super().encoded(tags, defaults)

    def _resolved(self, user: Any) -> Actor | None:
        configuration = self._configuration
        try:
            if user is None or not user.is_authenticated:
                return _actor(configuration.anonymous, ()) if configuration.anonymous is not None else None
            name = configuration.actor(user) if configuration.actor else user.get_username()
            roles = tuple(configuration.roles(user)) if configuration.roles else usual_roles(user)
        except SynchronousOnlyOperation:
            # Asked for in a coroutine before any database work; the middleware finds out first where it can.
            return self._who
        return _actor(str(name), roles)


def context_of(request: Any, configuration: Configuration) -> Context:
    """Return the circumstances of a request; texts are made to fit an event."""
    headers = request.headers
    peer = request.META.get("REMOTE_ADDR")
    hops = headers.get("X-Forwarded-For", "").split(",")
    if configuration.trusts_unix and parse_address(peer) is None:
        peer = hops.pop()  # who calls over a Unix socket has no address, and says who called it
    said: dict[str, Any] = {
        "ip": configuration.proxies.client(peer, hops, _values(headers, "Forwarded")),
        "user_agent": user_agent(headers.get("User-Agent")),
        "request": request_id(headers.get(configuration.request_id_header)),
        "trace": parse_traceparent(headers.get("traceparent")),
        "channel": "web",
    }
    with within(NOBODY), acting(**said) as frame:
        return frame.context


def _values(headers: Any, name: str) -> list[str]:
    return [headers[name]] if name in headers else []


def usual_roles(user: Any) -> tuple[str, ...]:
    """Return the names of a user's groups, and ``staff`` and ``superuser`` where it is such."""
    marks = [mark for mark in ("staff", "superuser") if getattr(user, f"is_{mark}", False)]
    groups = getattr(user, "groups", None)
    names = list(groups.order_by("name").values_list("name", flat=True)) if groups is not None else []
    return (*names, *marks)


def _actor(name: str, roles: tuple[str, ...]) -> Actor | None:
    """Return an actor whose texts fit an event."""
    with within(NOBODY), acting(name, roles=roles) as frame:
        return frame.actor
