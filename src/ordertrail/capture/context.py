"""Who acts, from where and why: carried on a context variable through calls, tasks and threads.

::

    with acting("clerk-17", roles=["order.editor"], ip="203.0.113.7", reason="customer called"):
        session.commit()

    @acting("nightly-import", kind="service", tags={"audit"})
    def nightly(): ...

Blocks nest: an inner one says what is different, and keeps the rest. Naming another actor forgets the outer actor's
roles, session and ``on_behalf_of``, which belong to that actor. asyncio tasks inherit what was said where they were
created; threads and executors do where :func:`carried` wraps what they run.

What is said here comes from requests, so it is made to fit an event and never raises: control characters become
U+FFFD, and ids are cut at 512 characters, other texts at 1,024.
"""

import contextvars
import functools
import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

import msgspec

from ordertrail.record.encoding import encode
from ordertrail.record.event import Actor, ActorKind, Cause, Context
from ordertrail.record.values import MAX_IDENTIFIER

_P = ParamSpec("_P")
_R = TypeVar("_R")

MAX_TEXT = 1_024
"""Characters of the longest text of a context: a reason, a user agent."""

AUDIT = "audit"
"""The tag by which internal maintenance asks to be recorded."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_OF_ACTOR = ("roles", "session", "on_behalf_of", "kind")
_OF_CONTEXT = tuple(name for name in Context.__struct_fields__ if name != "tags")


class Frame:
    """What one ``acting`` block says, the blocks around it included; immutable.

    ``actor`` is None where only circumstances are known (an anonymous request).
    """

    __slots__ = ("_encoded", "actor", "cause", "context")

    def __init__(
        self, actor: Actor | None = None, context: Context | None = None, cause: Cause | None = None
    ) -> None:
        self.actor = actor
        self.context = context or Context()
        self.cause = cause
        self._encoded: dict[tuple[str, ...], bytes] = {}

    def encoded(self, tags: tuple[str, ...], defaults: Context) -> bytes:
        """Return actor, context and cause as JSON, with more tags and with defaults where nothing was said.

        Made once for each set of tags: a request that changes a hundred rows says who it is once.
        """
        known = self._encoded.get(tags)
        if known is None:
            said = {
                name: value
                for name in _OF_CONTEXT
                if (value := getattr(self.context, name) or getattr(defaults, name)) is not None
            }
            context = Context(**said, tags=(*self.context.tags, *tags))
            who: dict[str, Any] = {"actor": self.actor or UNKNOWN, "context": context}
            if self.cause is not None:
                who["cause"] = self.cause
            known = self._encoded[tags] = encode(who)
        return known


UNKNOWN = Actor("unknown", "system")
"""Who acts where nobody said so."""

NOBODY = Frame()
_current: contextvars.ContextVar[Frame] = contextvars.ContextVar("ordertrail_acting", default=NOBODY)


def current() -> Frame:
    """Return what is known of who acts here and now."""
    return _current.get()


@contextmanager
def within(frame: Frame) -> Iterator[Frame]:
    """Have what an adapter knows be what is known, for a block: a request, a message."""
    token = _current.set(frame)
    try:
        yield frame
    finally:
        _current.reset(token)


class acting:  # noqa: N801 - reads as a word of the program that uses it, as contextlib's own do
    """Say who acts, for a block or for each call of a function, coroutine functions included."""

    def __init__(
        self,
        actor: str | None = None,
        *,
        roles: Iterable[str] | None = None,
        kind: ActorKind | None = None,
        on_behalf_of: str | None = None,
        session: str | None = None,
        tags: Iterable[str] = (),
        cause: Cause | None = None,
        **circumstances: str | None,
    ) -> None:
        """Take the fields of an event's actor and context: ip, user_agent, request, trace, channel, and so on."""
        unknown = circumstances.keys() - set(_OF_CONTEXT)
        if unknown:
            raise TypeError(
                f"acting() takes no {', '.join(sorted(unknown))}; it takes {', '.join(_OF_CONTEXT)}"
            )
        self._actor = actor
        said = {"roles": roles, "kind": kind, "on_behalf_of": on_behalf_of, "session": session}
        self._of_actor = {name: value for name, value in said.items() if value is not None}
        self._tags = tuple(dict.fromkeys(_clean(tag, MAX_IDENTIFIER) for tag in tags))
        self._cause = cause
        self._circumstances = {
            name: _clean(value, MAX_TEXT) for name, value in circumstances.items() if value is not None
        }
        self._tokens: list[contextvars.Token[Frame]] = []

    def __enter__(self) -> Frame:
        outer = _current.get()
        frame = Frame(self._who(outer.actor), self._where(outer.context), self._cause or outer.cause)
        self._tokens.append(_current.set(frame))
        return frame

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _current.reset(self._tokens.pop())

    def __call__(self, function: Callable[_P, _R]) -> Callable[_P, _R]:
        """Wrap a function, so that each of its calls is such a block."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def waiting(*args: Any, **kwargs: Any) -> Any:
                with self._again():
                    return await function(*args, **kwargs)

            return waiting  # type: ignore[return-value]

        @functools.wraps(function)
        def calling(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            with self._again():
                return function(*args, **kwargs)

        return calling

    def _again(self) -> "acting":
        """Return the same block anew: calls may overlap, and each must put back what it found."""
        fresh = object.__new__(acting)
        fresh.__dict__.update(self.__dict__, _tokens=[])
        return fresh

    def _who(self, outer: Actor | None) -> Actor | None:
        said: dict[str, Any] = dict(self._of_actor)
        if "roles" in said:
            said["roles"] = tuple(_clean(role, MAX_IDENTIFIER) for role in said["roles"])
        for name in ("on_behalf_of", "session"):
            if name in said:
                said[name] = _clean(said[name], MAX_IDENTIFIER)
        if self._actor is not None:
            return Actor(_clean(self._actor, MAX_IDENTIFIER), **{"kind": "person", **said})
        return msgspec.structs.replace(outer, **said) if outer is not None else None

    def _where(self, outer: Context) -> Context:
        if not self._circumstances and not self._tags:
            return outer
        tags = tuple(dict.fromkeys((*outer.tags, *self._tags)))
        return msgspec.structs.replace(outer, **self._circumstances, tags=tags)


def carried(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Bind a function to the context of here and now, for another thread or an executor to run.

    ::

        pool.submit(carried(price_order), order)
        Thread(target=carried(work)).start()

    May be called many times and from many threads at once.
    """
    frame = _current.get()

    @functools.wraps(function)
    def calling(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        token = _current.set(frame)
        try:
            return function(*args, **kwargs)
        finally:
            _current.reset(token)

    return calling


def _clean(text: object, limit: int) -> str:
    """Return a text as an event can hold it; an empty one is told as such."""
    return _CONTROL.sub("\ufffd", str(text))[:limit] or "(empty)"
