"""Systems record over HTTP: durable, once, by the strict rules of the door, and never under another's name."""

import json
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.access.principal import Scope
from ordertrail.access.roles import Role
from ordertrail.assembly.retention import open_retention
from ordertrail.record.actions import CATALOGUE
from ordertrail.record.event import Actor
from ordertrail.web.api.recording import LARGEST, MOST, OWN, derived_id
from web.api.conftest import Asker, Shop, id_of

URL = "/api/v1/events"
_SHOP = {
    "order", "requisition", "confirmation", "declaration", "payment", "invoice", "memo", "receipt", "service",
    "shipment", "item", "return", "transfer",
}  # fmt: skip


def event(**also: Any) -> dict[str, Any]:
    """An event without an id."""
    return {
        "time": "2026-11-22T14:02:10+01:00",
        "action": "order.price.change",
        "actor": {"id": "clerk-17", "kind": "person"},
        "subject": {"kind": "order", "id": "R-1", "order": "R-1"},
        "changes": [{"path": "/unit_price", "before": None, "after": 7}],
    } | also


def me(shop: Shop, asker: Asker) -> str:
    """The id of whoever has a key."""
    who = shop.services.access.recognising.by_key(asker.key or "")
    assert who is not None
    return who.id


def test_what_is_recorded_is_there_under_who_recorded_it(shop: Shop, recorder: Asker) -> None:
    """Every event is found by its id, its time in UTC, its absent fields absent, its source the key's owner."""
    told = recorder.post(URL, status=201, json=[event(), event(context={"reason": "late"})])
    assert (told["recorded"], told["repeated"], told["refused"]) == (2, 0, [])
    assert told["source"] == me(shop, recorder)
    shop.house.feed()
    first, second = (shop.services.trail.find(name).entry.event for name in told["ids"])
    assert first.time == "2026-11-22T13:02:10.000000Z"
    assert first.actor.id == "clerk-17"
    assert first.context is not None
    assert first.context.source == told["source"]
    assert first.changes[0].before is None
    assert second.context is not None
    assert (second.context.reason, second.context.source) == ("late", told["source"])


def test_lines_and_a_single_event_are_taken_too(recorder: Asker) -> None:
    """A line each, blank ones left out; or one object."""
    lines = f"{json.dumps(event())}\n\n{json.dumps(event())}\n".encode()
    headers = {"Content-Type": "application/x-ndjson"}
    assert len(recorder.post(URL, status=201, content=lines, headers=headers)["ids"]) == 2
    assert recorder.post(URL, status=201, json=event())["recorded"] == 1
    wrong = recorder.post(URL, status=422, json=event(action="order.fly"))
    assert wrong["errors"][0]["pointer"] == "/action"


def test_sent_again_nothing_is_added(shop: Shop, recorder: Asker) -> None:
    """By its id, or by the idempotency key where it has none; other content under either is refused."""
    body = [event(id=id_of(500)), event()]
    headers = {"Idempotency-Key": '"batch 1"'}
    first = recorder.post(URL, status=201, json=body, headers=headers)
    again = recorder.post(URL, status=201, json=body, headers=headers)
    assert (first["recorded"], again["recorded"], again["repeated"]) == (2, 0, 2)
    assert first["ids"] == again["ids"]
    shop.house.feed()  # sealed or not makes no difference
    assert recorder.post(URL, status=201, json=body, headers=headers)["repeated"] == 2
    other = recorder.post(URL, status=422, json=[body[0], event(outcome="failed")], headers=headers)
    assert other["errors"][0]["pointer"] == "/1/id"
    recorder.post(URL, status=422, json=[event(id=id_of(500), outcome="denied")])
    foreign = shop.asker(Role.RECORDER)
    assert foreign.post(URL, status=201, json=[event()], headers=headers)["ids"][0] != first["ids"][1]


def test_all_or_nothing_and_each(shop: Shop, recorder: Asker) -> None:
    """One that is wrong keeps all out, and every problem is named by its place; or only itself, if that was asked."""
    body = [
        event(id=id_of(600)),
        event(action="order.fly", actor={"id": "", "kind": "person"}),
        {"time": 5},
        7,
    ]
    refused = recorder.post(URL, status=422, json=body)
    pointers = {one["pointer"] for one in refused["errors"]}
    assert {"/1/action", "/1/actor/id", "/2/time", "/2/action", "/3"} <= pointers
    each = recorder.post(f"{URL}?mode=each", status=200, json=body)
    assert each["recorded"] == 1
    assert each["ids"] == [id_of(600), None, None, None]
    assert {one["pointer"] for one in each["refused"]} == pointers
    shop.house.feed()
    assert shop.services.trail.find(id_of(600)).entry.event.outcome == "success"


@pytest.mark.parametrize(
    ("also", "pointer"),
    [
        ({"context": {"source": "somebody-else"}}, "/0/context/source"),
        ({"action": "evidence.read"}, "/0/action"),
        ({"action": "access.signin"}, "/0/action"),
        ({"action": "log.incident"}, "/0/action"),
        ({"action": "hold.release"}, "/0/action"),
        ({"origin": {"client": "x", "counter": 0}}, "/0/origin"),
        ({"changes": [{"path": "/a", "after": 1.5}]}, "/0/changes/0/after"),
        ({"id": "NO"}, "/0/id"),
        ({"index": 5}, "/0/index"),
        ({"ledger": {"index": 5}}, "/0/ledger"),
    ],
)
def test_nobody_is_impersonated_and_nothing_is_smuggled_in(
    recorder: Asker, also: dict[str, Any], pointer: str
) -> None:
    """Not another source, not what the trail itself records, not what the ledger adds."""
    problem = recorder.post(URL, status=422, json=[event(**also)])
    assert problem["errors"][0]["pointer"] == pointer


def test_a_key_records_for_its_own_tenants_and_channels(shop: Shop) -> None:
    """What it may not see it may not add either."""
    bound = shop.asker(Role.RECORDER, scope=Scope(tenants=frozenset({"east"}), channels=frozenset({"edi"})))
    subject = {"kind": "order", "id": "R-2", "order": "R-2"}
    good = event(subject=subject | {"tenant": "east"}, context={"channel": "edi"})
    assert bound.post(URL, status=201, json=[good])["recorded"] == 1
    wrong = bound.post(URL, status=422, json=[event(), event(subject=subject | {"tenant": "west"})])
    assert [one["pointer"] for one in wrong["errors"]] == [
        "/0/subject/tenant",
        "/0/context/channel",
        "/1/subject/tenant",
        "/1/context/channel",
    ]


def test_every_family_of_actions_is_the_shops_or_the_trails() -> None:
    """A new family has to be put on one side or the other."""
    assert {name.partition(".")[0] for name in CATALOGUE} == OWN | _SHOP


@pytest.mark.parametrize(
    ("body", "headers", "status", "kind"),
    [
        (b"[]", {"Content-Type": "text/plain"}, 415, "media"),
        (b"[]", {"Content-Type": "application/json", "Content-Encoding": "gzip"}, 415, "media"),
        (b"[]", {"Content-Type": "application/json"}, 422, "input"),
        (b"", {"Content-Type": "application/json"}, 422, "input"),
        (b"[" * 100_000, {"Content-Type": "application/json"}, 422, "input"),
        (b'{"a":' * 100_000, {"Content-Type": "application/json"}, 422, "input"),
        (b"\xff\xfe", {"Content-Type": "application/json"}, 422, "input"),
        (b"[1,", {"Content-Type": "application/json"}, 422, "input"),
        (b"[" + b"1," * MOST + b"1]", {"Content-Type": "application/json"}, 413, "too-large"),
        (b"1\n" * (MOST + 1), {"Content-Type": "application/x-ndjson"}, 413, "too-large"),
    ],
)
def test_bodies_are_bounded(  # noqa: PLR0913, PLR0917 - what is sent, and what is answered
    shop: Shop, recorder: Asker, body: bytes, headers: dict[str, str], status: int, kind: str
) -> None:
    """By type, size, number and depth; each refusal is a problem of its kind."""
    answer = shop.client.post(URL, content=body, headers=recorder.headers() | headers)
    assert answer.status_code == status, answer.text
    assert answer.json()["type"] == f"urn:ordertrail:problem:{kind}"


def test_a_body_that_is_too_large_is_refused_before_it_comes(shop: Shop, recorder: Asker) -> None:
    """By the length that it says; or, sent in pieces without one, once it is over, and not when it is whole."""
    address = shop.client.base_url
    said = HTTPConnection(address.host, address.port or 80, timeout=10)
    said.putrequest("POST", URL)
    for name, value in (recorder.headers() | {"Content-Type": "application/json"}).items():
        said.putheader(name, value)
    said.putheader("Content-Length", str(LARGEST + 1))
    said.endheaders()
    answer = said.getresponse()
    assert (answer.status, json.load(answer)["type"]) == (413, "urn:ordertrail:problem:too-large")
    said.close()
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(64):
            sent += 1
            yield b"[" + b" " * (1 << 20)

    headers = recorder.headers() | {"Content-Type": "application/json"}
    with suppress(httpx.TransportError):  # the server may hang up on what it does not read
        assert shop.client.post(URL, content=pieces(), headers=headers).status_code == 413
    assert sent < 64


@given(st.text(max_size=5), st.text(max_size=5), st.integers(0, 9_999))
def test_derived_ids_are_uuids_and_differ(who: str, key: str, place: int) -> None:
    """Of version 8, the same each time, and another for another place, key or recorder."""
    name = derived_id(who, key, place)
    assert UUID(name).version == 8
    assert UUID(name).variant == "specified in RFC 4122"
    assert name == derived_id(who, key, place)
    assert len({name, derived_id(who + "x", key, place), derived_id(who, key, place + 1)}) == 3


def test_each_event_is_filed_by_its_class_and_none_among_the_proofs(shop: Shop, recorder: Asker) -> None:
    """A policy that comes into force is followed at once; the streams of the trail itself take nothing."""
    classes = (
        'version = 1\n[[classes]]\nname = "gifts"\nbasis = "x"\nterm_days = 4000\norder_types = ["gift"]\n'
        '[[classes]]\nname = "default"\nbasis = "the rest"\nterm_days = 4000\n'
    )
    with open_retention(Path(shop.services.trail.location)) as retention:
        retention.change_policy(Actor("anna", "person"), classes, "gifts are kept apart")
    gift = event(context={"tags": ["order-type:gift"]})
    told = recorder.post(URL, status=201, json=[gift, event()])
    for stream in ("gifts", "default"):
        shop.services.trail.seal(stream=stream)
    assert [shop.services.trail.find(one).stream for one in told["ids"]] == ["gifts", "default"]
    for stream in ("deletions", "gifts"):
        status = 422 if stream == "deletions" else 201
        said = recorder.post(URL, status=status, params={"stream": stream}, json=[event()])
        assert status == 201 or "by the trail alone" in json.dumps(said)
