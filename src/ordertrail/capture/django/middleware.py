"""The middleware that says who is behind each request, from where, and as which request."""

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings

from ordertrail.capture.context import within
from ordertrail.capture.django.configuration import configuration
from ordertrail.capture.django.frames import RequestFrame
from ordertrail.capture.django.registry import ensure_started


class ContextMiddleware:
    """Has everything that a request does carry its user, address, user agent, request id and trace.

    For views of both kinds, sync and async; to be placed anywhere, best after AuthenticationMiddleware. When a
    server starts it looks at every captured database, and raises ConfigurationError where capture cannot start.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self._get_response = get_response
        self._configuration = configuration()
        ensure_started()
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        """Answer a request; return a coroutine where the next in line is one."""
        frame = RequestFrame(request, self._configuration)
        if iscoroutinefunction(self):
            return self._answer(request, frame)
        with within(frame):
            return _carrying(self._get_response(request), frame)

    async def _answer(self, request: Any, frame: RequestFrame) -> Any:
        with within(frame):
            if settings.SESSION_COOKIE_NAME in request.COOKIES:
                # Who it is stands in the database, which a coroutine cannot ask later on.
                await sync_to_async(lambda: frame.actor)()
            return _carrying(await self._get_response(request), frame)


def _carrying(response: Any, frame: RequestFrame) -> Any:
    """Have a response that is made while it is sent be made by whoever asked for it."""
    if getattr(response, "streaming", False):
        content = response.streaming_content
        response.streaming_content = (
            _each_async(content, frame) if response.is_async else _each(content, frame)
        )
    return response


def _each(content: Iterable[bytes], frame: RequestFrame) -> Iterator[bytes]:
    parts = iter(content)
    while True:
        with within(frame):
            part = next(parts, None)
        if part is None:
            return
        yield part


async def _each_async(content: AsyncIterable[bytes], frame: RequestFrame) -> AsyncIterator[bytes]:
    parts = aiter(content)
    while True:
        with within(frame):
            part = await anext(parts, None)
        if part is None:
            return
        yield part
