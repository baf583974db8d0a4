"""The client asks a real server, and what it hands back can be relied upon, or it raises."""

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.access.roles import Role
from ordertrail.client import AnswerError, AsyncClient, Client, RefusedError, questions
from ordertrail.client.sending import BATCH_BYTES, BATCH_EVENTS, ExportLines, LiveLines, batches
from ordertrail.kernel.errors import ConfigurationError, EvidenceError, OrderTrailError, UnavailableError
from ordertrail.query.questions.search import search
from ordertrail.record.event import Actor, Event, Subject
from ordertrail.web.api import counts, events, fields, log, orders, patterns, people
from ordertrail.web.api.models.found import Found
from ordertrail.web.api.models.live import Gap, LiveStatus
from web.api.conftest import Shop, id_of


@pytest.fixture(scope="module")
def address(shop: Shop) -> str:
    """Where the server is."""
    return str(shop.client.base_url)


@pytest.fixture(scope="module")
def client(shop: Shop, address: str) -> Iterator[Client]:
    """Somebody who may read, take out and record."""
    with Client(address, shop.key(Role.AUDITOR, Role.EXPORTER)) as client:
        yield client


@pytest.fixture(scope="module")
def writer(shop: Shop, address: str) -> Iterator[Client]:
    """A system that records."""
    with Client(address, shop.key(Role.RECORDER), attempts=1) as client:
        yield client


def event(number: int) -> Event:
    """An event of an order."""
    return Event(
        id=f"01a1f7b3-cccc-7000-8000-{number:012d}",
        time="2026-11-23T00:00:00.000000Z",
        action="order.create",
        actor=Actor("erp", "system"),
        subject=Subject("order", f"C-{number}", f"C-{number}"),
    )


def test_a_search_goes_through_all_pages(shop: Shop, client: Client) -> None:
    """Every event, once, whatever the length of a page; and the same in an export, the other way round."""
    query = shop.services.query
    expected = [
        hit.event.id for hit in search(query.searches, query.parse("action:order.cancel"), limit=1_000).hits
    ]
    found = list(client.search("action:order.cancel", limit=2))
    assert [one.event.id for one in found] == expected
    assert [one.event.id for one in client.export("action:order.cancel")] == expected[::-1]
    assert found[0].event.value() == shop.services.trail.find(expected[0]).entry.event


QUESTIONS = (
    questions.page("order:T-1"),
    questions.event(id_of(1)),
    questions.neighbours(id_of(1)),
    questions.causes(id_of(1)),
    questions.facets("tenant:east"),
    questions.histogram("2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z", step="hour"),
    questions.ranking("action:order.cancel", by="actor,action"),
    questions.days("is:sensitive"),
    questions.money(),
    questions.bursts("action:order.cancel", least=2),
    questions.moved_after("action:order.create"),
    questions.actor("clerk-east", "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"),
    questions.reads("order:T-1"),
    questions.fields("total", "order:T-1"),
    questions.order("T-1", tenant="east", prove=True),
    questions.state("T-1", "2026-11-23T00:00:00Z", tenant="east"),
    questions.difference("T-1", "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z", tenant="east"),
    questions.read_filter("when:today"),
    questions.vocabulary(),
    questions.status(),
    questions.keys(),
    questions.checkpoints(),
    questions.consistency(1, 2),
)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.path)
def test_each_question_is_answered_with_its_document(client: Client, question: Any) -> None:
    """Typed, and with every field that the document has."""
    told = client.ask(question)
    assert isinstance(told, question.answered)
    required = {name for name, field in question.answered.model_fields.items() if field.is_required()}
    assert required <= told.model_fields_set


def test_every_question_of_the_server_can_be_asked() -> None:
    """An address without a function here fails."""
    known = {
        route.path.replace("{event_id}", id_of(1))
        .replace("{order:path}", "T-1")
        .replace("{actor:path}", "clerk-east")
        for module in (events, counts, orders, people, patterns, fields, log)
        for route in module.router.routes
    }
    asked = {f"/{question.path}" for question in (*QUESTIONS, questions.proof(id_of(1)))}
    assert known - asked == {f"/events/{id_of(1)}/entry"}


def test_a_proof_is_checked_without_the_server(shop: Shop, client: Client) -> None:
    """By a key from elsewhere it holds; by another it does not, nor does another entry."""
    proven = client.prove(id_of(1))
    vkey = shop.services.trail.keys()[-1].vkey
    assert id_of(1) in proven.check([vkey]).verdict
    other = "example.com/other+b1b20b63+AaiEcpz2XIHHdSxtYKBNmLSN7fAuRV9Hvmmeb7I5Nzfs"
    with pytest.raises(OrderTrailError):
        proven.check([other])
    forged = type(proven)(
        proven.document.model_copy(update={"entry": proven.document.entry.replace("72", "73")})
    )
    with pytest.raises(EvidenceError):
        forged.check([vkey])


def test_recording_again_adds_nothing(writer: Client) -> None:
    """More events than a batch has are recorded in several; all of them are there, once."""
    some = [event(number) for number in range(BATCH_EVENTS + 5)]
    first, again = writer.record(some), writer.record(some)
    assert first is not None
    assert again is not None
    assert (first.recorded, again.recorded, again.repeated) == (len(some), 0, len(some))
    assert list(first.ids) == [one.id for one in some]
    assert writer.record([]) is None
    with pytest.raises(RefusedError) as refused:
        writer.record([{"action": "order.fly"}])
    assert refused.value.kind == "input"
    assert {"0.action", "0.time"} <= {problem.path for problem in refused.value.problems}


def test_what_is_refused_is_told(client: Client, shop: Shop, address: str) -> None:
    """With its kind: what is not there, what is wrong, who may not, who is not known."""
    refusals: tuple[tuple[questions.Question[Any], str], ...] = (
        (questions.event(id_of(999)), "unknown"),
        (questions.page("colour:red"), "input"),
        (questions.order("T-1"), "ambiguous"),
        (questions.order("../status"), "unknown"),
    )
    for question, kind in refusals:
        with pytest.raises(RefusedError) as refused:
            client.ask(question)
        assert refused.value.kind == kind
        assert refused.value.diagnostics().remedy
    with Client(address, shop.key(Role.RECORDER)) as other, pytest.raises(RefusedError) as refused:
        other.ask(questions.status())
    assert refused.value.kind == "forbidden"
    with Client(address, "ot_000000000000_" + "x" * 43) as other, pytest.raises(RefusedError) as refused:
        other.ask(questions.status())
    assert refused.value.kind == "unauthenticated"


def test_what_happens_is_followed(shop: Shop, client: Client, writer: Client) -> None:
    """First where the logs stand, then what is sealed."""
    stream = client.live("subject:C-77777")
    assert isinstance(next(stream), LiveStatus)
    writer.record([event(77_777)])
    shop.house.feed()
    found = next(one for one in stream if isinstance(one, Found))
    assert found.event.id == event(77_777).id
    stream.close()  # type: ignore[attr-defined]


def test_the_client_that_does_not_wait_is_the_same(shop: Shop, client: Client, address: str) -> None:
    """Search, question, proof, export, recording and following, awaited."""

    async def ask() -> None:
        key = shop.key(Role.AUDITOR, Role.EXPORTER)
        async with (
            AsyncClient(address, key) as other,
            AsyncClient(address, shop.key(Role.RECORDER)) as writer,
        ):
            expected = [one.event.id for one in client.search("order:T-1")]
            assert [one.event.id async for one in other.search("order:T-1", limit=3)] == expected
            assert [one.event.id async for one in other.export("order:T-1")] == expected[::-1]
            assert (await other.ask(questions.order("T-1", tenant="east"))).tenant == "east"
            assert (await other.prove(id_of(1))).check([shop.services.trail.keys()[-1].vkey])
            receipt = await writer.record([event(88_888)])
            assert receipt is not None
            assert receipt.recorded == 1
            async for told in other.live():
                assert isinstance(told, LiveStatus)
                break
            assert (await other.check()).stream == "default"

    asyncio.run(ask())


@contextmanager
def answering(*answers: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives these answers, one a connection, and then the last one again; and what it was sent."""
    listening = socket.create_server(("127.0.0.1", 0))
    seen: list[bytes] = []

    def run() -> None:
        for number in range(50):
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                seen.append(connection.recv(65_536))
                connection.sendall(answers[min(number, len(answers) - 1)])

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", seen
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


def told(status: str, body: str, kind: str = "application/json") -> bytes:
    """An answer over HTTP."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body.encode())}\r\nConnection: close"
    return f"{head}\r\n\r\n{body}".encode()


LATER = told(
    "503 Service Unavailable",
    '{"type":"urn:ordertrail:problem:unavailable","title":"x","status":503,"detail":"later"}',
    "application/problem+json",
)
RECEIPT = told("201 Created", '{"recorded":1,"repeated":0,"source":"s","ids":["x"],"refused":[]}')


def test_what_may_be_sent_again_is_sent_again() -> None:
    """A batch that was not acknowledged is sent under the same idempotency key until it is."""
    with answering(b"", LATER, RECEIPT) as (address, seen), Client(address, "k") as client:
        receipt = client.record([event(1)])
    assert receipt is not None
    assert len(seen) == 3
    keys = {
        line
        for request in seen
        for line in request.split(b"\r\n")
        if line.lower().startswith(b"idempotency-key")
    }
    assert len(keys) == 1


def test_it_gives_up() -> None:
    """After its attempts it says that the server cannot be reached; what is no answer is not asked for again."""
    with answering(LATER) as (address, seen), Client(address, "k", attempts=2) as client:
        with pytest.raises(UnavailableError, match="later"):
            client.ask(questions.status())
        assert len(seen) == 2
    with answering(told("200 OK", "<html>", "text/html")) as (address, seen), Client(address, "k") as client:
        with pytest.raises(AnswerError):
            client.ask(questions.status())
        assert len(seen) == 1
    elsewhere = told("302 Found", "", "text/html")
    with answering(elsewhere) as (address, _), Client(address, "k") as client, pytest.raises(AnswerError):
        client.ask(questions.status())


def test_an_export_that_breaks_off_is_no_export() -> None:
    """Lines without an end, and lines with a problem, raise when they stop."""
    for body in ("", '{"problem":{"title":"x"}}\n', "nonsense\n"):
        answer = told("200 OK", body, "application/x-ndjson")
        with (
            answering(answer) as (address, _),
            Client(address, "k") as client,
            pytest.raises(UnavailableError),
        ):
            list(client.export())


@pytest.mark.parametrize(
    "address", ["http://trail.example.com", "ftp://127.0.0.1", "trail.example.com", "http://8.8.8.8"]
)
def test_a_key_is_not_sent_in_the_clear(address: str) -> None:
    """Plain HTTP is for one's own machine."""
    with pytest.raises(ConfigurationError):
        Client(address, "k")
    with pytest.raises(ConfigurationError):
        AsyncClient(address, "k")
    Client("https://trail.example.com", "k").close()


@given(st.lists(st.integers(0, 60_000), max_size=40))
def test_batches_hold_everything_within_their_bounds(sizes: list[int]) -> None:
    """No event is left out, doubled or moved, and no batch is too large."""
    events = [{"n": number, "x": "a" * size * 20} for number, size in enumerate(sizes)]
    made = list(batches(events))
    lines = [line for one in made for line in one.body.splitlines()]
    assert len(lines) == len(events)
    assert all(f'"n": {number},'.encode() in line for number, line in enumerate(lines))
    assert all(
        len(one.body) <= BATCH_BYTES + 1_300_000 and one.body.count(b"\n") <= BATCH_EVENTS for one in made
    )
    assert len({one.key for one in made}) == len(made)


def test_lines_are_read_as_they_come() -> None:
    """Comments, unknown events and fields pass; a place is kept; an end is an end."""
    live = LiveLines()
    told = [
        live.read(line)
        for line in (": hello", "id: default=5", "", "event: other", "data: {}", "", "event: gap", "retry: 5",
                     'data: {"stream":"default","start":1,"end":2}', "")
    ]  # fmt: skip
    assert [one for one in told if one is not None] == [Gap(stream="default", start=1, end=2)]
    assert live.last == "default=5"
    lines = ExportLines()
    with pytest.raises(UnavailableError):
        lines.require_end()
    assert lines.read('{"end":{"events":0,"whole":true,"beyond":null}}') is None
    assert lines.require_end().whole


def test_the_client_needs_no_server_library() -> None:
    """Importing it imports no web framework and no database library: it runs where only its extra is installed."""
    code = (
        "import sys, ordertrail.client; "
        "print([n for n in ('fastapi','starlette','sqlalchemy','uvicorn','pyarrow') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert list(islice(batches([]), 1)) == []
