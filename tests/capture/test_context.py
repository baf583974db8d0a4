"""Who acts, from where and why: right across calls, threads, tasks, requests and jobs."""

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.capture import acting, carried, current
from ordertrail.capture.asgi import CaptureMiddleware as AsgiMiddleware
from ordertrail.capture.jobs import command, packed, unpacked
from ordertrail.capture.requests import Proxies, parse_address, parse_traceparent, request_id
from ordertrail.capture.wsgi import CaptureMiddleware as WsgiMiddleware
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.record.event import Cause
from ordertrail.record.values import identifier_problem

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def who() -> str | None:
    """Say who acts."""
    actor = current().actor
    return actor.id if actor else None


def test_blocks_nest_and_say_what_is_different() -> None:
    """An inner block keeps what it does not say; another actor does not inherit the outer one's roles."""
    with acting("clerk-17", roles=["order.editor"], ip="203.0.113.7", reason="a"):
        with acting(reason="b", tags={"x"}):
            frame = current()
            assert frame.actor is not None
            assert (frame.actor.roles, frame.context.ip, frame.context.reason) == (
                ("order.editor",),
                "203.0.113.7",
                "b",
            )
        with acting("import", kind="service"):
            frame = current()
            assert frame.actor is not None
            assert (frame.actor.roles, frame.context.ip) == ((), "203.0.113.7")
        assert current().context.tags == ()
    assert who() is None


def test_functions_and_coroutines_are_wrapped() -> None:
    """Each call is a block of its own, also where calls overlap."""

    @acting("nightly", kind="service")
    def plain() -> str | None:
        return who()

    @acting("waiting")
    async def waiting(seconds: float) -> str | None:
        await asyncio.sleep(seconds)
        return who()

    async def both() -> list[str | None]:
        return list(await asyncio.gather(waiting(0.02), waiting(0.001)))

    assert plain() == "nightly"
    assert asyncio.run(both()) == ["waiting", "waiting"]
    assert who() is None


def test_threads_and_executors_carry_what_is_carried() -> None:
    """A bare thread knows nobody; a carried function knows who sent it, many at once."""
    seen: list[str | None] = []
    with acting("clerk-17"), ThreadPoolExecutor(4) as pool:
        for function in (lambda: seen.append(who()), carried(lambda: seen.append(who()))):
            thread = Thread(target=function)
            thread.start()
            thread.join()
        carried_who = carried(who)
        assert {future.result() for future in [pool.submit(carried_who) for _ in range(20)]} == {"clerk-17"}
    assert seen == [None, "clerk-17"]


def test_tasks_know_who_created_them() -> None:
    """Asyncio tasks keep apart what concurrent requests said."""

    async def request(name: str) -> str | None:
        with acting(name):
            return await asyncio.create_task(later())

    async def later() -> str | None:
        await asyncio.sleep(0.001)
        return who()

    async def many() -> list[str | None]:
        return list(await asyncio.gather(*(request(f"user-{n}") for n in range(20))))

    assert asyncio.run(many()) == [f"user-{n}" for n in range(20)]


@given(st.text(max_size=2_000))
def test_whatever_a_request_says_fits_an_event(text: str) -> None:
    """Nothing that is said raises, and all of it is what an event's parser takes."""
    with acting(text, roles=[text], reason=text, user_agent=text, session=text) as frame:
        assert frame.actor is not None
        assert identifier_problem(frame.actor.id) is None
        frame.encoded((), frame.context)


def test_a_word_that_is_none_is_a_mistake_of_the_program() -> None:
    """A misspelt circumstance is told where it is written."""
    with pytest.raises(TypeError, match="takes no ipp"):
        acting("clerk-17", ipp="203.0.113.7")


@pytest.mark.parametrize(
    ("peer", "headers", "client"),
    [
        ("198.51.100.9", ["203.0.113.7"], "198.51.100.9"),
        ("10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.7, 10.0.0.2"], "203.0.113.7"),
        ("10.0.0.1", ["1.1.1.1", "203.0.113.7, 10.0.0.2"], "203.0.113.7"),
        ("10.0.0.1", ["203.0.113.7, junk"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7:4711"], "203.0.113.7"),
        ("10.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        (None, ["203.0.113.7"], None),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str | None, headers: list[str], client: str | None) -> None:
    """The client is the first address from the right that is no trusted proxy; what it says itself is not read."""
    assert Proxies.of(["10.0.0.0/8"]).client(peer, headers) == client


def test_the_standard_header_is_read_alike() -> None:
    """RFC 7239: quoted, with ports, obfuscated; where it stands, the older header is not read."""
    proxies = Proxies.of(["10.0.0.0/8"])
    forwarded = ['for="[2001:db8:cafe::17]:4711";proto=https, for=10.0.0.2;by=10.0.0.1']
    assert proxies.client("10.0.0.1", ["9.9.9.9"], forwarded) == "2001:db8:cafe::17"
    assert proxies.client("10.0.0.1", [], ["for=_hidden, for=10.0.0.3"]) == "10.0.0.3"
    assert proxies.client("203.0.113.7", [], forwarded) == "203.0.113.7"


@given(
    st.text(max_size=60),
    st.lists(st.text(max_size=60), max_size=3),
    st.lists(st.text(max_size=60), max_size=3),
)
def test_no_header_breaks_a_request(peer: str, headers: list[str], forwarded: list[str]) -> None:
    """Whatever is sent, an address or none comes of it; from whom nobody trusts, only its own."""
    client = Proxies.of(["10.0.0.0/8"]).client(peer, headers, forwarded)
    assert client is None or parse_address(client) is not None
    address = parse_address(peer)
    assert Proxies().client(peer, headers, forwarded) == (str(address) if address else None)


def test_a_proxy_that_is_none_is_told_at_start() -> None:
    """A misspelt network trusts nobody by accident."""
    with pytest.raises(ConfigurationError, match=r"10\.0\.0\.0/99"):
        Proxies.of(["10.0.0.0/99"])


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (TRACE, TRACE),
        (TRACE.upper(), None),
        (TRACE + "-more", None),
        ("cc" + TRACE[2:] + "-more", "cc" + TRACE[2:]),
        ("ff" + TRACE[2:], None),
        ("00-" + "0" * 32 + TRACE[35:], None),
        (TRACE[:36] + "0" * 16 + "-01", None),
        ("", None),
        (None, None),
    ],
)
def test_a_traceparent_is_read_strictly(text: str | None, read: str | None) -> None:
    """W3C Trace Context: what is not one is no trace."""
    assert parse_traceparent(text) == read


def test_a_request_id_is_a_word_or_a_new_one() -> None:
    """What a proxy gave is kept if it is fit to be searched for."""
    assert request_id("r-81") == "r-81"
    assert len({request_id(None), request_id("two words"), request_id("x" * 200)}) == 3


def test_an_asgi_request_is_a_block() -> None:
    """User, roles, address, agent, request and trace are there while the request is handled, and gone after it."""
    seen: list[Any] = []

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(current())

    middleware = AsgiMiddleware(
        app, user=lambda scope: (scope["user"], ["order.editor"]), trusted_proxies=["10.0.0.1"], channel="web"
    )
    headers = [
        (b"X-Forwarded-For", b"203.0.113.7"),
        (b"user-agent", b"curl/8"),
        (b"x-request-id", b"r-81"),
        (b"traceparent", TRACE.encode()),
    ]
    scope = {"type": "http", "client": ("10.0.0.1", 1), "headers": headers, "user": "clerk-17"}
    asyncio.run(middleware(scope, None, None))
    (frame,) = seen
    assert (frame.actor.id, frame.actor.roles) == ("clerk-17", ("order.editor",))
    told = frame.context
    assert (told.ip, told.user_agent, told.request, told.trace, told.channel) == (
        "203.0.113.7", "curl/8", "r-81", TRACE, "web",
    )  # fmt: skip
    assert who() is None


def test_a_wsgi_request_is_a_block_until_its_response_is_made() -> None:
    """A response that is made as it is read is made in the request's block; the server's thread knows nothing of it."""

    def app(_environ: Any, _start: Any) -> Iterable[bytes]:
        yield (who() or "").encode()
        yield (current().context.ip or "").encode()  # type: ignore[union-attr]

    middleware = WsgiMiddleware(app, trusted_proxies=["127.0.0.1"])
    environ = {
        "REMOTE_USER": "clerk-17",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_X_FORWARDED_FOR": "9.9.9.9, 203.0.113.7",
    }
    assert list(middleware(environ, None)) == [b"clerk-17", b"203.0.113.7"]
    assert who() is None


def test_a_job_acts_for_whoever_asked_for_it() -> None:
    """Headers carry who, from where and why; the job is the cause; what cannot be read leaves the actor open."""
    with acting(
        "clerk-17", roles=["order.editor"], ip="203.0.113.7", reason="customer called", tags={"audit"}
    ):
        headers = packed()
    with unpacked(headers, job="job-1") as frame:
        assert frame.actor is not None
        assert (frame.actor.id, frame.actor.roles) == ("clerk-17", ("order.editor",))
        assert (frame.context.reason, frame.context.tags, frame.cause) == (
            "customer called",
            ("audit",),
            Cause("job", "job-1"),
        )
    assert packed() == {}
    for broken in ({"ordertrail": "{"}, {"ordertrail": 7}, {}, None):
        with unpacked(broken, job="job-2") as frame:
            assert (frame.actor, frame.cause) == (None, Cause("job", "job-2"))


def test_a_program_run_by_hand_says_who_ran_it() -> None:
    """The system's user, the channel and the program's name."""
    with command("reprice") as frame:
        assert frame.actor is not None
        assert (frame.context.channel, frame.cause) == ("cli", Cause("job", "reprice"))


def test_a_celery_task_acts_for_whoever_sent_it() -> None:
    """Through Celery's own signals, as a worker fires them."""
    celery = pytest.importorskip("celery")
    from ordertrail.capture.celery import connect

    connect()
    connect()
    app = celery.Celery("shop", broker="memory://", backend="cache+memory://")
    app.conf.task_always_eager = True
    sent: dict[str, Any] = {}

    @app.task(bind=True, name="reprice")  # type: ignore[untyped-decorator]
    def reprice(task: Any) -> tuple[str | None, str]:
        cause = current().cause
        return who(), cause.id if cause else task.name

    from celery.signals import before_task_publish

    with acting("clerk-17"):
        before_task_publish.send(sender="reprice", headers=sent)
    done = reprice.apply(headers=sent)
    assert done.get() == ("clerk-17", done.id)
    assert who() is None


def test_importing_capture_imports_no_database_library() -> None:
    """A program that only says who acts needs neither SQLAlchemy nor Django, nor the ledger."""
    import subprocess
    import sys

    code = (
        "import sys, ordertrail.capture, ordertrail.capture.asgi, ordertrail.capture.jobs;"
        "import ordertrail.capture.outbox.ddl, ordertrail.capture.requests;"
        "print([name for name in sys.modules if name.split('.')[0] in ('sqlalchemy', 'django', 'sqlglot', 'celery')"
        " or name.startswith('ordertrail.ledger')])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
