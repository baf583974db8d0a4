"""What happens is told as it happens, to whom it may be told, and nothing is missed by who comes back."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from ordertrail.access.principal import Scope
from ordertrail.access.roles import Role
from ordertrail.ledger.ports import EntryRow
from ordertrail.query.ports import LogReader
from ordertrail.record.event import Actor, Event, Subject
from ordertrail.web.api import live
from web.api.conftest import Asker, Shop, api_app, record
from web.api.served import served

URL = "/api/v1/live"
Told = dict[str, Any]


def read(answer: httpx.Response) -> Iterator[Told]:
    """Yield server-sent events, by the rules of their format; heartbeats are events without data."""
    block: dict[str, str] = {}
    for line in answer.iter_lines():
        if line:
            name, _, value = line.partition(":")
            block[name or "comment"] = value.removeprefix(" ")
        elif block:
            yield {
                "event": block.get("event"),
                "id": block.get("id"),
                "data": json.loads(block.get("data", "null")),
            }
            block = {}


@contextmanager
def following(asker: Asker, last: str | None = None, **query: str) -> Iterator[Iterator[Told]]:
    """Follow, and hang up at the end."""
    headers = asker.headers() | ({} if last is None else {"Last-Event-ID": last})
    with asker.client.stream("GET", URL, params=query, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield read(answer)


def events(number: int, tenant: str, start: int = 0) -> list[Event]:
    """Some events of a tenant."""
    return [
        Event(
            id=f"01a1f7b3-{start + one:04x}-7000-8000-{ord(tenant[0]):012d}",
            time="2026-11-23T00:00:00.000000Z",
            action="order.create",
            actor=Actor("clerk-live", "person"),
            subject=Subject("order", f"L-{one}", f"L-{one}", tenant),
        )
        for one in range(number)
    ]


def until(stream: Iterator[Told], name: str) -> Told:
    """Return the next event of a name."""
    return next(one for one in stream if one["event"] == name)


def test_what_is_sealed_is_told_and_resumed(shop: Shop, auditor: Asker) -> None:
    """First where the logs stand; then each event that is meant, the sealing, and after a break what was missed."""
    shop.house.feed()
    with following(auditor, q="actor:clerk-live") as stream:
        first = until(stream, "status")
        before = first["data"]["streams"][0]["size"]
        record(shop.house, events(2, "east"))
        found = [until(stream, "found") for _ in range(2)]
    assert [one["data"]["event"]["subject"]["order"] for one in found] == ["L-0", "L-1"]
    assert found[0]["data"]["index"] >= before
    record(shop.house, events(3, "west"))
    with following(auditor, last=found[0]["id"], q="actor:clerk-live") as stream:
        missed = [until(stream, "found") for _ in range(4)]
    told = [(one["data"]["event"]["subject"]["tenant"], one["data"]["event"]["id"]) for one in missed]
    assert [tenant for tenant, _ in told] == ["east", "west", "west", "west"]


def test_only_what_may_be_seen_is_told(shop: Shop) -> None:
    """Another tenant's event passes by; one's own comes."""
    mine = shop.asker(Role.VIEWER, scope=Scope(tenants=frozenset({"west"})))
    with following(mine) as stream:
        until(stream, "status")
        record(shop.house, [*events(2, "east", 100), *events(1, "west", 100)])
        assert until(stream, "found")["data"]["event"]["subject"]["tenant"] == "west"


def test_who_was_away_too_long_is_told_what_is_missing(
    shop: Shop, auditor: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries that are too many to tell again are named as a gap, and the stream goes on after it."""
    monkeypatch.setattr(live, "BACK", 10)
    with following(auditor, last="default=0,nowhere=5") as stream:
        gap = until(stream, "gap")["data"]
        size = shop.services.query.log.size("default")
        assert gap["start"] == 0
        assert size - gap["end"] >= 10
        assert until(stream, "found")["data"]["index"] == gap["end"]


def test_a_quiet_stream_has_a_heartbeat(shop: Shop, auditor: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing happens, and still something is heard, with the place up to which all was looked at."""
    shop.house.feed()
    monkeypatch.setattr(live, "HEARTBEAT", 0.1)
    with following(auditor, q="actor:nobody") as stream:
        beat = next(one for one in stream if one["event"] is None)
    assert beat["id"].startswith("default=")


def test_streams_are_bounded_and_end(shop: Shop, auditor: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more than there are places is refused; whoever hangs up frees a place; each ends after its time."""
    monkeypatch.setattr(live, "CLIENTS", 2)
    monkeypatch.setattr(live, "LIFE", 1.0)
    with following(auditor) as one, following(auditor) as other:
        until(one, "status")
        until(other, "status")
        refused = auditor.get(URL, status=503)
        assert refused["type"] == "urn:ordertrail:problem:busy"
        threads = [threading.Thread(target=list, args=(stream,)) for stream in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
            assert not thread.is_alive()
    for _ in range(200):
        if shop.app.state.live.connected == 0:
            break
        shop.client.get("/checkpoint")
    assert shop.app.state.live.connected == 0


@pytest.mark.parametrize(
    "last", ["", "x", "default=", "default=99999999999999999", "default=-1", "=5,,", "a" * 1900]
)
def test_a_place_that_is_none_counts_as_now(auditor: Asker, last: str) -> None:
    """Whatever is sent as a place, a stream begins."""
    with following(auditor, last=last) as stream:
        assert until(stream, "status")["id"].startswith("default=")


@dataclass(frozen=True, slots=True)
class Purged:
    """A log whose beginning is gone."""

    inner: LogReader
    until: int

    def size(self, stream: str) -> int:
        """See the port."""
        return self.inner.size(stream)

    def rows(self, stream: str, start: int, end: int) -> Iterator[EntryRow]:
        """See the port: a hole is simply not there."""
        return self.inner.rows(stream, max(start, self.until), end)


def test_what_was_purged_is_passed_over(shop: Shop, auditor: Asker) -> None:
    """Whoever takes a stream up within a range that is gone is told what is there after it, and holds nobody up."""
    query = shop.services.query
    gone = query.log.size("default") - 5
    app = api_app(replace(shop.services, query=replace(query, log=Purged(query.log, gone))))
    with served(app) as address, httpx.Client(base_url=address, timeout=20) as client:
        asker = Asker(client, auditor.key)
        with following(asker, last="default=0") as stream:
            assert until(stream, "found")["data"]["index"] == gone
