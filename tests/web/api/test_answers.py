"""How answers come: conditional, in the type that is accepted, proven, streamed, and whole or said not to be."""

import csv
import io
import json
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook
from pyarrow import parquet

from ordertrail.access.roles import Role
from ordertrail.kernel.errors import EvidenceError
from ordertrail.ledger.proofs import check_consistency
from ordertrail.ledger.verify.offline import check_entry
from ordertrail.ledger.vkey import parse_base64, parse_vkey
from ordertrail.query.questions.search import search
from ordertrail.record.event import Actor, Change, Context, Event, Subject
from web.api.conftest import Asker, Shop, id_of, tenant_events

BASE = "/api/v1"


def test_an_event_is_kept_by_services_and_asked_again_by_people(shop: Shop, auditor: Asker) -> None:
    """Its tag is strong; 304 where it is known; a browser asks each time, so that each reading is recorded."""
    whole = shop.client.get(f"{BASE}/events/{id_of(1)}", headers=auditor.headers())
    tag = whole.headers["etag"]
    assert tag.startswith('"')
    assert whole.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert "Authorization" in whole.headers["vary"]
    known = shop.client.get(
        f"{BASE}/events/{id_of(1)}", headers=auditor.headers() | {"If-None-Match": f'"x", {tag}'}
    )
    assert (known.status_code, known.content) == (304, b"")
    with shop.browser(Role.AUDITOR) as browser:
        before = len(shop.told("evidence.read"))
        seen = browser.get(f"{BASE}/events/{id_of(1)}")
        assert seen.headers["cache-control"] == "private, no-cache"
        again = browser.get(f"{BASE}/events/{id_of(1)}", headers={"If-None-Match": tag})
        assert again.status_code == 304
    assert len(shop.told("evidence.read")) == before + 2


def test_a_list_is_known_until_something_comes_in(shop: Shop) -> None:
    """The same question has the same tag while nothing is sealed, and another one for another question or reader."""
    reader, query = shop.asker(Role.RECORDER, Role.VIEWER), {"q": "order:T-1"}
    shop.house.feed()
    first = shop.client.get(f"{BASE}/facets", params=query, headers=reader.headers())
    tag = first.headers["etag"]
    assert tag.startswith('W/"')
    conditional = reader.headers() | {"If-None-Match": tag}
    assert shop.client.get(f"{BASE}/facets", params=query, headers=conditional).status_code == 304
    other = shop.client.get(f"{BASE}/facets", params={"q": "order:T-2"}, headers=conditional)
    assert other.status_code == 200
    reader.post(
        f"{BASE}/events",
        status=201,
        json={
            "time": "2026-11-22T00:00:00Z",
            "action": "order.read",
            "actor": {"id": "a", "kind": "person"},
            "subject": {"kind": "order", "id": "K-1"},
        },
    )
    shop.services.trail.seal()
    behind = shop.client.get(f"{BASE}/facets", params=query, headers=conditional)
    assert "etag" not in behind.headers
    assert behind.json()["lag"]["events"] > 0
    shop.house.feed()
    assert shop.client.get(f"{BASE}/facets", params=query, headers=conditional).status_code == 200


def test_a_proof_convinces_who_has_the_key(shop: Shop, auditor: Asker) -> None:
    """As text and as JSON it proves the entry's exact bytes offline, and no others."""
    key = parse_vkey(shop.services.trail.keys()[-1].vkey)
    text = auditor.get(f"{BASE}/events/{id_of(1)}/proof", accept="text/plain")
    entry = shop.client.get(f"{BASE}/events/{id_of(1)}/entry", headers=auditor.headers()).content
    assert id_of(1) in check_entry(text.content, entry, [key]).verdict
    told = auditor.get(f"{BASE}/events/{id_of(1)}/proof", accept="application/json")
    assert check_entry(told["proof"].encode(), told["entry"].encode(), [parse_vkey(told["keys"][-1])])
    with pytest.raises(EvidenceError):
        check_entry(told["proof"].encode(), told["entry"].replace("clerk", "klerk").encode(), [key])
    auditor.get(f"{BASE}/events/{id_of(1)}/proof", accept="image/png", status=406)


def test_the_log_can_be_held_against_itself(shop: Shop, auditor: Asker) -> None:
    """Its checkpoints, page by page, its keys, and a consistency proof between any two of them."""
    shop.house.feed()
    auditor.get(f"{BASE}/events/{id_of(1)}")
    shop.house.feed()
    newest = auditor.get(f"{BASE}/checkpoints", limit=1)
    older = auditor.get(f"{BASE}/checkpoints", limit=1, before=newest["before"])
    (new,), (old,) = newest["checkpoints"], older["checkpoints"]
    assert new["size"] > old["size"]
    proof = auditor.get(f"{BASE}/consistency", old=old["size"], new=new["size"])
    hashes = [parse_base64(one) for one in proof["hashes"]]
    roots = [bytes.fromhex(one["root"]) for one in (old, new)]
    check_consistency(old["size"], roots[0], new["size"], roots[1], hashes)
    keys = auditor.get(f"{BASE}/keys")
    assert keys["keys"][0]["vkey"] == shop.services.trail.keys()[0].vkey
    auditor.get(f"{BASE}/keys", stream="nowhere", status=404)
    status = auditor.get(f"{BASE}/status")
    assert status["streams"][0]["size"] >= new["size"]
    assert status["streams"][0]["quorum"] is None


def test_a_full_check_runs_in_the_background(shop: Shop, auditor: Asker) -> None:
    """It is begun, followed, ended with a verdict, and an event; another of the same log joins it."""
    begun = auditor.post(f"{BASE}/checks", status=202, json={"stream": "default"})
    for _ in range(600):
        told = auditor.get(f"{BASE}/checks/{begun['id']}")
        if told["state"] != "running":
            break
    assert told["state"] == "intact", told
    assert told["done"] == told["total"] > 0
    assert "are intact" in told["verdict"]
    assert next(one.context.reason for one in shop.told("integrity.check") if one.context) == "begun"
    auditor.post(f"{BASE}/checks", status=404, json={"stream": "nowhere"})
    auditor.post(f"{BASE}/checks", status=422, json={"stream": "default", "deep": True})
    auditor.post(f"{BASE}/checks", status=413, json={"stream": "d" * 5_000})
    auditor.get(f"{BASE}/checks/{id_of(1)}", status=404)


def exported(shop: Shop, asker: Asker, accept: str, **query: Any) -> httpx.Response:
    """An export, whole."""
    answer = shop.client.get(f"{BASE}/export", params=query, headers=asker.headers() | {"Accept": accept})
    assert answer.status_code == 200, answer.text
    return answer


def test_exports_say_how_they_end(shop: Shop) -> None:
    """Lines and Parquet have the same events, the oldest first, and both go on where they were cut off."""
    taker = shop.asker(Role.EXPORTER)
    question = "action:order.cancel"
    query = shop.services.query
    hits = search(query.searches, query.parse(question), limit=1_000).hits
    expected = [hit.event.id for hit in reversed(hits)]
    lines = [
        json.loads(line)
        for line in exported(shop, taker, "application/x-ndjson", q=question).text.splitlines()
    ]
    assert [line["event"]["id"] for line in lines[:-1]] == expected
    assert lines[-1]["end"]["events"] == len(expected)
    assert lines[-1]["end"]["whole"] is True
    part = exported(shop, taker, "application/x-ndjson", q=question, most=2).text.splitlines()
    end = json.loads(part[-1])["end"]
    assert (end["events"], end["whole"]) == (2, False)
    rest = exported(shop, taker, "application/vnd.apache.parquet", q=question, beyond=end["beyond"])
    table = parquet.read_table(io.BytesIO(rest.content))
    assert table["id"].to_pylist() == expected[2:]
    assert json.loads(table["event"][0].as_py())["action"] == "order.cancel"
    metadata = parquet.read_metadata(io.BytesIO(rest.content)).metadata
    assert json.loads(metadata[b"ordertrail"])["whole"] is True
    told = shop.told("evidence.export")
    assert len(told) == 3
    ends = [event for event in shop.told("evidence.read") if event.subject.kind == "export"]
    assert [event.subject.id for event in ends] == [event.subject.id for event in told]
    assert rest.headers["export-id"] == told[-1].subject.id
    nothing = exported(shop, taker, "application/vnd.apache.parquet", q="actor:nobody")
    assert parquet.read_table(io.BytesIO(nothing.content)).num_rows == 0


def test_exports_open_in_a_spreadsheet(shop: Shop) -> None:
    """Both forms have the events of the lines, in words and numbers; they say how they ended; no text is a formula."""
    taker = shop.asker(Role.EXPORTER)
    ids = [f"01a2ffff-0000-7000-8000-00000000000{at}" for at in range(2)]
    for event_id, reason in zip(ids, ('=HYPERLINK("http://x")', "+1\x07 bell"), strict=True):
        event = Event(
            id=event_id,
            time="2026-11-22T09:00:00.000000Z",
            action="order.price.change",
            actor=Actor("sheet-clerk", "person"),
            subject=Subject("order", "SO-1", "SO-1", "main"),
            changes=(
                Change("/total", {"amount": 900, "currency": "EUR"}, {"amount": 650, "currency": "EUR"}),
            ),
            context=Context(reason=reason),
        )
        shop.services.trail.record([event])
    shop.house.feed()
    question = {"q": "actor:sheet-clerk"}
    told = exported(shop, taker, "*/*", format="csv", **question)
    assert told.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(told.content.decode("utf-8-sig"))))
    assert [row["Event"] for row in rows[:-1]] == ids
    assert [row["Amount changed by"] for row in rows[:-1]] == ["-2.50", "-2.50"]
    assert {row["As sealed"] for row in rows[:-1]} == {"yes"}
    assert [row["Reason"][:2] for row in rows[:-1]] == ["'=", "'+"]
    assert list(rows[-1].values())[:2] == ["End of the export", "2 events, whole"]
    cut = exported(shop, taker, "text/csv", most=1, **question).text.splitlines()[-1]
    assert "1 events, NOT whole: it goes on at " in cut
    book = load_workbook(io.BytesIO(exported(shop, taker, "*/*", format="xlsx", **question).content))
    sheet = book["Events"]
    heads = [cell.value for cell in sheet[1]]
    reasons = [sheet.cell(row, heads.index("Reason") + 1) for row in (2, 3)]
    assert [cell.data_type for cell in reasons] == ["s", "s"]
    assert reasons[0].value == '=HYPERLINK("http://x")'
    assert reasons[1].value == "+1\ufffd bell"
    assert sheet.cell(2, heads.index("Amount changed by") + 1).value == -2.5
    assert sheet.max_row == 3
    about = {row[0].value: row[1].value for row in book["About"].iter_rows()}
    assert about["How it ended"] == "2 events, whole"
    assert "sheet-clerk" in about["What"]


def test_an_export_that_nobody_reads_to_its_end_frees_its_place(shop: Shop) -> None:
    """Whoever hangs up, hangs up: as many more as there are places can be begun, and the end is recorded."""
    taker = shop.asker(Role.EXPORTER)
    before = len([one for one in shop.told("evidence.read") if one.subject.kind == "export"])
    for _ in range(6):
        with shop.client.stream("GET", f"{BASE}/export", headers=taker.headers()) as answer:
            assert answer.status_code == 200
    exported(shop, taker, "*/*", most=1)
    ends = [one for one in shop.told("evidence.read") if one.subject.kind == "export"]
    assert len(ends) >= before + 6


def test_the_whole_export_has_every_event(shop: Shop) -> None:
    """Over more pages than one, nothing is left out and nothing comes twice."""
    taker = shop.asker(Role.EXPORTER)
    shop.house.feed()
    lines = exported(shop, taker, "*/*", q="order:*").text.splitlines()
    ids = [json.loads(line)["event"]["id"] for line in lines[:-1]]
    query = shop.services.query
    assert len(ids) == len(set(ids)) == query.searches.count(query.parse("order:*"), 10**6)
    assert {event.id for event in tenant_events()} <= set(ids)
