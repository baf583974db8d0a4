"""The edge: every answer has headers and an id; foreign names and unbounded bodies are refused; errors are quiet."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Message

from ordertrail.capture.requests import Proxies
from ordertrail.kernel.errors import ConfigurationError, EvidenceError, UnavailableError
from ordertrail.settings.serve import ServeSettings
from ordertrail.web.operations import failures
from ordertrail.web.operations.bounds import BoundedBodies
from ordertrail.web.operations.headers import POLICY, SecurityHeaders
from ordertrail.web.operations.hosts import AllowedHosts, allowed_hosts
from ordertrail.web.operations.requests import UNKNOWN, Answered, Requests

LARGEST = 1_000


class Edge:
    """An application with some endpoints behind the edge, and what watches it was told."""

    def __init__(self, *, secure: bool = False, trusted: tuple[str, ...] = (), seconds: float = 20.0) -> None:
        self.answered: list[Answered] = []
        self.broken = 0
        app = FastAPI(openapi_url=None)
        failures.install(app)
        app.add_middleware(failures.Failures, broken=self._break)
        app.add_middleware(BoundedBodies, largest=LARGEST, seconds=seconds)
        app.add_middleware(AllowedHosts, names=allowed_hosts(ServeSettings(hosts=["test", "*.example.com"])))
        app.add_middleware(SecurityHeaders, secure=secure)
        app.add_middleware(Requests, proxies=Proxies.of(trusted), watches=(self.answered.append,))
        _add_endpoints(app)
        self.app: ASGIApp = app

    def _break(self) -> None:
        self.broken += 1

    def ask(self, method: str, path: str, client: str = "192.0.2.9", **named: Any) -> httpx.Response:
        """Send a request from an address."""

        async def one() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, client=(client, 4711), raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as web:
                return await web.request(method, path, **named)

        return asyncio.run(one())


def _add_endpoints(app: FastAPI) -> None:
    @app.get("/who/{name}")
    async def who(request: Request, name: str) -> JSONResponse:
        state = request.state
        client = request.client.host if request.client else None
        told = {"client": client, "scheme": request.url.scheme, "id": state.request_id, "trace": state.trace}
        return JSONResponse(told | {"name": name}, headers={"Cache-Control": "private"})

    @app.post("/take")
    async def take(request: Request) -> JSONResponse:
        return JSONResponse({"size": len(await request.body())})

    @app.get("/fail/{how}")
    def fail(how: str) -> Response:
        errors = {
            "value": ValueError("clerk-17@example.com has the password hunter2"),
            "away": UnavailableError("the database db.example.com is away"),
            "broken": EvidenceError("entry 7 was altered"),
        }
        raise errors[how]

    @app.get("/half")
    async def half() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"half"
            raise ValueError("secret")

        return StreamingResponse(pieces())


REQUESTS: list[tuple[str, str, int, dict[str, Any]]] = [
    ("GET", "/who/me", 200, {}),
    ("GET", "/nowhere", 404, {}),
    ("DELETE", "/who/me", 405, {}),
    ("POST", "/take", 413, {"content": b"x" * (LARGEST + 1)}),
    ("GET", "/who/me", 421, {"headers": {"Host": "evil.example"}}),
    ("GET", "/fail/value", 500, {}),
    ("GET", "/fail/away", 503, {}),
    ("GET", "/fail/broken", 500, {}),
]


@pytest.mark.parametrize(("method", "path", "status", "named"), REQUESTS)
def test_every_answer_has_the_headers_an_id_and_a_watch(
    method: str, path: str, status: int, named: dict[str, Any]
) -> None:
    """Refusals and errors too; what an endpoint says of itself stays."""
    edge = Edge(secure=True)
    answer = edge.ask(method, path, **named)
    assert answer.status_code == status
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["strict-transport-security"].startswith("max-age=63072000")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cache-control"] == ("private" if status == 200 else "no-store")
    assert answer.headers["x-request-id"]
    assert [(one.method, one.status) for one in edge.answered] == [(method, status)]
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status


def test_the_policy_lets_nothing_inline_run() -> None:
    """No unsafe source, nothing from elsewhere, nobody may frame a page."""
    assert "unsafe" not in POLICY
    assert "*" not in POLICY
    for directive in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert directive in POLICY
    assert "strict-transport-security" not in Edge().ask("GET", "/who/me").headers


def test_errors_tell_strangers_nothing() -> None:
    """Neither a message nor a store's name; broken evidence is counted."""
    edge = Edge()
    for how in ("value", "away", "broken"):
        text = edge.ask("GET", f"/fail/{how}").text
        for word in ("hunter2", "clerk-17", "db.example.com", "entry 7", "ValueError"):
            assert word not in text
    assert edge.broken == 1


def test_half_an_answer_does_not_look_like_a_whole_one() -> None:
    """An error in the middle of a stream cuts it off: its end never comes."""
    messages: list[Message] = []

    async def one() -> None:
        async def send(message: Message) -> None:
            messages.append(message)

        told = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive() -> Message:
            for message in told:
                return message
            await asyncio.Event().wait()
            raise AssertionError

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/half",
            "headers": [(b"host", b"test")],
            "query_string": b"",
        }
        await Edge().app(scope, receive, send)

    with pytest.raises((ValueError, ExceptionGroup)):
        asyncio.run(one())
    assert not any(one["type"] == "http.response.body" and not one.get("more_body") for one in messages)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("test", 200), ("TEST:8530", 200), ("localhost", 200), ("127.0.0.1:1", 200), ("[::1]:8530", 200),
        ("test.", 200), ("a.example.com", 200), ("a.b.example.com:80", 200),
        ("example.com", 421), (".example.com", 421), ("aexample.com", 421), ("test.evil.example", 421),
        ("", 421), ("evil.example:80@test", 421), ("test, evil.example", 421),
    ],
)  # fmt: skip
def test_only_its_own_names_are_answered(host: str, status: int) -> None:
    """A page of another site, whose name was made to point here, gets nothing."""
    assert Edge().ask("GET", "/who/me", headers={"Host": host}).status_code == status


def test_two_hosts_are_none() -> None:
    """What is in front of us and we must not read two different ones."""
    headers = [("Host", "test"), ("Host", "test")]
    assert Edge().ask("GET", "/who/me", headers=headers).status_code == 421


def test_listening_everywhere_needs_a_name() -> None:
    """Otherwise nobody could say which names are foreign."""
    with pytest.raises(ConfigurationError, match="no name"):
        allowed_hosts(ServeSettings(host="0.0.0.0"))  # noqa: S104 - refused
    named = allowed_hosts(ServeSettings(host="0.0.0.0", public_url="https://trail.example.com"))  # noqa: S104 - as above
    assert named[0] == "trail.example.com"
    assert "0.0.0.0" not in named  # noqa: S104 - as above


async def _slowly(pieces: int, pause: float, size: int = 10) -> AsyncIterator[bytes]:
    for _ in range(pieces):
        yield b"x" * size
        await asyncio.sleep(pause)


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (lambda: b"x" * LARGEST, {}, 200),
        (lambda: _slowly(LARGEST // 10, 0), {}, 200),
        (lambda: _slowly(LARGEST // 10 + 1, 0), {}, 413),
        (lambda: b"", {"Content-Length": "9" * 40}, 413),
        (lambda: b"", {"Content-Length": "-1"}, 400),
        (lambda: b"", {"Content-Length": "1_0"}, 400),
        (lambda: _slowly(20, 0.1), {}, 408),
    ],
)
def test_bodies_are_bounded_in_size_and_time(
    content: Callable[[], Any], headers: dict[str, str], status: int
) -> None:
    """Whether they say how large they are or not, and however slowly they come."""
    answer = Edge(seconds=0.5).ask("POST", "/take", content=content(), headers=headers)
    assert answer.status_code == status
    if status in {408, 413}:
        assert answer.headers["connection"] == "close"


def test_whoever_waits_for_an_event_may_wait() -> None:
    """Once a body is whole, nobody is cut off for being quiet: live views stay open."""
    seen: list[str] = []

    async def app(_scope: Any, receive: Callable[[], Awaitable[Message]], _send: Any) -> None:
        while (message := await receive())["type"] != "http.disconnect":
            seen.append(message["type"])
        seen.append("left")

    async def one() -> None:
        told: Iterator[Message] = iter(
            [{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}]
        )

        async def receive() -> Message:
            message = next(told)
            await asyncio.sleep(0.2 if message["type"] == "http.disconnect" else 0)
            return message

        async def send(_message: Message) -> None:
            """Nobody listens."""

        bounded = BoundedBodies(app, largest=LARGEST, seconds=0.05)
        await bounded({"type": "http", "headers": [], "path": "/", "method": "GET"}, receive, send)

    asyncio.run(one())
    assert seen == ["http.request", "left"]


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_ids_and_traces_are_those_of_who_may_say_them() -> None:
    """A stranger's request id is not taken, a trusted proxy's is; a traceparent is taken where it is one."""
    stranger, proxied = Edge(), Edge(trusted=("192.0.2.0/24",))
    said = {"X-Request-ID": "mine", "traceparent": TRACE}
    assert stranger.ask("GET", "/who/me", headers=said).json()["id"] != "mine"
    told = proxied.ask("GET", "/who/me", headers=said)
    assert (told.json()["id"], told.headers["x-request-id"], told.json()["trace"]) == ("mine", "mine", TRACE)
    for wrong in ("", TRACE[:-1], TRACE.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0" * 32), TRACE.upper()):
        assert stranger.ask("GET", "/who/me", headers={"traceparent": wrong}).json()["trace"] is None
    ids = {stranger.ask("GET", "/who/me").json()["id"] for _ in range(20)}
    assert len(ids) == 20


@pytest.mark.parametrize(
    ("client", "headers", "address", "scheme"),
    [
        (
            "198.51.100.7",
            {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"},
            "198.51.100.7",
            "http",
        ),
        (
            "192.0.2.1",
            {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"},
            "203.0.113.9",
            "https",
        ),
        ("192.0.2.1", {"X-Forwarded-For": "1.2.3.4, 203.0.113.9"}, "203.0.113.9", "http"),
        ("192.0.2.1", {"Forwarded": 'for="[2001:db8::7]:80"'}, "2001:db8::7", "http"),
        ("192.0.2.1", {"X-Forwarded-For": "nonsense", "X-Forwarded-Proto": "gopher"}, "192.0.2.1", "http"),
        ("192.0.2.1", {}, "192.0.2.1", "http"),
    ],
)
def test_proxies_are_believed_as_far_as_they_are_trusted(
    client: str, headers: dict[str, str], address: str, scheme: str
) -> None:
    """The address that events and throttles know is the client's, and never what the client says of itself."""
    told = Edge(trusted=("192.0.2.0/24",)).ask("GET", "/who/me", client=client, headers=headers).json()
    assert (told["client"], told["scheme"]) == (address, scheme)


def test_figures_know_templates_and_not_addresses() -> None:
    """Neither what was asked for, nor a stranger's made-up paths and methods, become labels."""
    edge = Edge()
    edge.ask("GET", "/who/jane.doe?q=refunds")
    edge.ask("GET", "/made/up")
    edge.ask("BREW", "/who/me")
    assert [(one.method, one.route) for one in edge.answered] == [
        ("GET", "/who/{name}"),
        ("GET", UNKNOWN),
        ("other", "/who/{name}"),
    ]
