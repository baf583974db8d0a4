"""Health, figures, traces and logs of a real trail's application: what they say, and what they never do."""

import asyncio
import io
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ordertrail.access.roles import Role
from ordertrail.kernel.errors import ConfigurationError, InputError, UnavailableError
from ordertrail.services import Services
from ordertrail.testing.story import order_story
from ordertrail.web.app import create_app
from ordertrail.web.auth.admission import unguarded
from ordertrail.web.operations.health import SEEN_SECONDS, Readiness
from ordertrail.web.operations.logs import Correlation, configure_logs, correlation, line_of, without_personal
from ordertrail.web.operations.tracing import Traces
from web.house import PASSWORD, SERVE, House, shop_house


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A shop with people."""
    with shop_house(tmp_path_factory.mktemp("watching") / "trail") as made:
        yield made


def ask(app: Any, *requests: tuple[str, str, dict[str, Any]]) -> list[httpx.Response]:
    """Send requests one after the other."""

    async def all_of_them() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app, client=("203.0.113.77", 4711), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as web:
            return [await web.request(method, path, **named) for method, path, named in requests]

    return asyncio.run(all_of_them())


def test_every_route_says_who_may_open_it(house: House) -> None:
    """No address of the whole application was forgotten."""
    app = create_app(house.services, SERVE)
    assert len(list(iter_route_contexts(app.routes))) > 40
    assert [one.path for one in unguarded(app.routes)] == []


def test_probes_are_for_everybody_and_figures_are_not(house: House) -> None:
    """Balancers ask without a key and by any name; a viewer is no collector of figures."""
    app = create_app(house.services, SERVE)
    alive, ready, nobody, viewer, collector = ask(
        app,
        ("GET", "/healthz", {"headers": {"Host": "10.0.0.7:8530"}}),
        ("GET", "/readyz", {"headers": {"Host": "10.0.0.7:8530"}}),
        ("GET", "/metrics", {}),
        ("GET", "/metrics", {"headers": house.bearer(Role.VIEWER)}),
        ("GET", "/metrics", {"headers": house.bearer(Role.COLLECTOR)}),
    )
    assert alive.json() == {"status": "alive"}
    assert set(ready.json()["parts"]) >= {"database", "vault", "index", "signer"}
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert (nobody.status_code, viewer.status_code, collector.status_code) == (401, 403, 200)


class _Closed:
    """A ring of keys that do not open; how often somebody tried is counted."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.tries = 0

    def signer(self, _vkey: str) -> Any:
        self.tries += 1
        raise self.error


def with_keys(services: Services, keys: Any) -> Services:
    """Return services whose log has other keys."""
    service = services.trail.log()
    log = replace(service, log=replace(service.log, keys=keys))
    return replace(services, trail=replace(services.trail, logs={"default": log}))


def test_a_part_that_fails_is_named_and_not_explained(house: House) -> None:
    """Strangers learn which part; what is wrong with it is in the log."""
    services = with_keys(house.services, _Closed(UnavailableError("the token at slot 7 is away")))
    (answer,) = ask(create_app(services, SERVE), ("GET", "/readyz", {}))
    assert answer.status_code == 503
    assert answer.json()["parts"]["signer"] == "failed"
    assert "slot" not in answer.text


def test_a_wrong_pin_is_not_tried_again(house: House) -> None:
    """A token counts wrong PINs, and anybody may ask whether we are ready."""
    closed, now = _Closed(ConfigurationError("the PIN is wrong")), 0.0
    readiness = Readiness(with_keys(house.services, closed), SERVE, lambda: now)
    for _ in range(10):
        now += SEEN_SECONDS
        assert [one.name for one in readiness.parts() if not one.well] == ["signer"]
    assert closed.tries == 1


def test_asking_often_looks_seldom(house: House) -> None:
    """What was seen is good for some seconds; after them it is looked again."""
    closed, now = _Closed(UnavailableError("away")), 100.0
    readiness = Readiness(with_keys(house.services, closed), SERVE, lambda: now)
    for _ in range(10):
        readiness.parts()
    assert closed.tries == 1
    now += SEEN_SECONDS
    readiness.parts()
    assert closed.tries == 2


def figures_of(house: House, app: Any) -> dict[str, float]:
    """Return all figures by their names and labels."""
    (answer,) = ask(app, ("GET", "/metrics", {"headers": house.bearer(Role.COLLECTOR)}))
    lines = [line for line in answer.text.splitlines() if line and not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_figures_say_how_the_trail_is(house: House) -> None:
    """Entries, what waits and since when, how far the index is behind; and what was asked, by question."""
    app = create_app(house.services, SERVE)
    house.feed()
    size = house.services.trail.log().log.store.head("default").size
    before = figures_of(house, app)
    assert before['ordertrail_log_entries_total{stream="default"}'] == size
    assert before['ordertrail_log_entries_last_hour{stream="default"}'] == size
    assert before["ordertrail_index_lag_events"] == 0
    ask(app, ("GET", "/api/v1/events?q=refund", {"headers": house.bearer(Role.AUDITOR)}))
    for _ in house.services.trail.record_lines([("line", next(order_story(1, seed=99)))]):
        pass
    after = figures_of(house, app)
    assert after['ordertrail_waiting_events{stream="default"}'] > 0
    assert after['ordertrail_seal_lag_seconds{stream="default"}'] >= 0
    assert after['ordertrail_query_seconds_count{question="page"}'] >= 1
    assert after['ordertrail_http_seconds_count{method="GET",route="/api/v1/events",status="2xx"}'] == 1
    house.services.trail.seal()
    assert figures_of(house, app)["ordertrail_index_lag_events"] > 0
    house.feed()


def test_traces_have_the_question_and_not_what_was_asked(house: House) -> None:
    """A request is the child of its caller's span; the index's work is within it; nobody's words are in any."""
    spans = InMemorySpanExporter()
    traces = Traces(None, "tests", spans)
    services = replace(house.services, query=traces.of_query(house.services.query))
    app = create_app(services, SERVE, span=traces.requests)
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    headers = house.bearer(Role.AUDITOR) | {"traceparent": parent}
    ask(app, ("GET", "/api/v1/events?q=actor:t.varga", {"headers": headers}))
    traces.close()
    found = spans.get_finished_spans()
    (request,) = [one for one in found if one.name == "GET /api/v1/events"]
    assert request.parent is not None
    assert f"{request.parent.span_id:016x}" == "00f067aa0ba902b7"
    assert {one.context.trace_id for one in found} == {int("4bf92f3577b34da6a3ce929d0e0e4736", 16)}
    assert any(one.name.startswith("index.") for one in found)
    told = "".join(one.to_json() for one in found)
    for word in ("t.varga", "203.0.113.77", "q=", "ot_"):
        assert word not in told


def test_without_a_collector_nothing_is_traced() -> None:
    """The libraries are not even imported."""
    traces = Traces(None, "tests")
    with traces.span("x"), traces.requests("GET", None) as span:
        assert "opentelemetry" not in type(span).__module__
    traces.close()


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What is written to the log, all of it, by the product's own door."""
    root = logging.getLogger()
    handlers, level, stream = root.handlers[:], root.level, io.StringIO()
    configure_logs("debug", "json", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_day_s_work_leaves_no_personal_data_in_the_log(house: House, log: io.StringIO) -> None:
    """People sign in, search, read and fail: no name, address, e-mail, word, value or secret stands in any line."""
    app = create_app(house.services, SERVE)
    auditor = house.bearer(Role.AUDITOR)
    event = json.loads(next(order_story(1)))
    form = {"name": "auditor", "password": PASSWORD}
    ask(
        app,
        ("POST", "/sign-in", {"data": form}),
        ("POST", "/sign-in", {"data": {"name": "eve@example.com", "password": "hunter2-hunter2"}}),
        ("GET", "/api/v1/events?q=actor:t.varga+203.0.113.5&zone=Europe/Berlin", {"headers": auditor}),
        ("GET", "/api/v1/events?q=price:<<<", {"headers": auditor}),
        ("GET", f"/api/v1/events/{event['id']}", {"headers": auditor}),
        ("GET", "/api/v1/orders/SO-1001", {"headers": auditor}),
        ("GET", "/api/v1/actors/t.varga", {"headers": auditor}),
        (
            "POST",
            "/api/v1/events",
            {"headers": house.bearer(Role.RECORDER), "json": [{"id": "jane@example.com"}]},
        ),
        ("GET", "/nobody/jane.doe@example.com?password=hunter2", {}),
        ("GET", "/metrics", {"headers": {"Authorization": "Bearer ot_123456789abc_secret-of-somebody"}}),
    )
    text = log.getvalue()
    lines = [json.loads(line) for line in text.splitlines()]
    assert sum(line["message"] == "answered" for line in lines) >= 9
    words = (
        "203.0.113",
        "t.varga",
        "example.com",
        "hunter2",
        "jane",
        "eve@",
        "kettles",
        "SO-1001",
        "Berlin",
        "price:",
    )
    for word in (*words, auditor["Authorization"].partition("_")[2], "secret-of-somebody"):
        assert word not in text, word


ADDRESSES = st.ip_addresses().map(str) | st.emails()


@given(
    ADDRESSES, st.sampled_from(("{} failed", "from {}, twice", "({})", "host={}", "'{}'", "[{}]:80 is away"))
)
def test_addresses_are_taken_out_of_every_message(address: str, sentence: str) -> None:
    """Law: whatever formats an address into a message, the line does not have it."""
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, sentence.format(address), None, None)
    if len(re.sub(r"[^0-9A-Za-z]", "", address)) > 3:  # "::1" is nobody's
        assert address not in line_of(record)["message"]


def test_what_is_no_address_stays() -> None:
    """Times, versions of programs, paths and counts can be read."""
    for text in (
        "at 14:02:10 on 2026-11-23",
        "version 0.1.0",
        "ordertrail/web/app.py:17",
        "entry 7 of 9",
        "a: b",
    ):
        assert without_personal(text) == text
    assert without_personal("password=hunter2 x") == "password=[secret] x"


def test_errors_are_told_by_their_kind_and_place() -> None:
    """What came in is never repeated; of our own errors about stores the words are, and of others the kind."""

    def line(error: Exception) -> dict[str, Any]:
        with pytest.raises(type(error)) as raised:
            _fail(error)
        about = (raised.type, raised.value, raised.tb)
        return line_of(logging.LogRecord("x", logging.ERROR, "x.py", 1, "it failed", None, about))

    assert "hunter2" not in json.dumps(line(ValueError("hunter2")))
    told = line(UnavailableError("the database is away, says 10.0.0.7"))
    assert (told["error"], told["happened"]) == ("UnavailableError", "the database is away, says [address]")
    told = line(InputError("price: is 'hunter2'"))
    assert told["problems"] == 1
    assert "happened" not in told
    assert told["at"][-1].endswith(" _fail")


def _fail(error: Exception) -> None:
    raise error


def test_lines_lead_to_their_request() -> None:
    """Each line of a request has its id, and that of its trace."""
    token = correlation.set(Correlation("r-1", "4bf9"))
    try:
        record = logging.LogRecord("x", logging.INFO, "x.py", 1, "x", None, None)
        record.facts = {"count": 3, "message": "not over ours", "part": "a@b.example"}
        told = line_of(record)
    finally:
        correlation.reset(token)
    assert (told["request"], told["trace"], told["count"], told["message"]) == ("r-1", "4bf9", 3, "x")
    assert told["part"] == "[e-mail]"
    assert Path(told.get("at", ["x"])[0]).name == "x"
