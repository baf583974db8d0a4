"""Webhooks over HTTP: acknowledged when durable, refused with a problem, bounded in size and time."""

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import lxml.html
import pytest

from intake.shop import KEY, SHOP, Shop, an_order, document
from ordertrail.intake.breaker import Tolerance
from ordertrail.intake.faults import Code, Fault
from ordertrail.intake.ports import Verdict
from ordertrail.intake.repair import Repair
from ordertrail.intake.service import Intake
from ordertrail.web.intake import LARGEST, intake_app

ADDRESS = "/intake/shop/main"
SIGNED = {"Authorization": f"Bearer {KEY}"}


def served(shop: Shop, backlog: int = 1_000) -> Intake:
    """Return the shop's intake, as programs are handed it."""
    repair = Repair(shop.desk, shop.flow.reader.bodies, shop.clock)
    return Intake(
        {str(SHOP): SHOP}, shop.door, shop.flow, shop.desk, repair, shop.sources, shop.places, backlog
    )


OPERATOR = "an operator's long key"
BEARER = {"Authorization": f"Bearer {OPERATOR}"}
OPERATORS = ("/intake/", "/intake/health", "/metrics")


def look(shop: Shop, path: str, headers: dict[str, str], key: str | None = OPERATOR) -> httpx.Response:
    """Ask for what only an operator sees."""

    async def one() -> httpx.Response:
        app = intake_app(served(shop), None if key is None else key.encode())
        try:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.get(path, headers=headers)
        finally:
            app.state.lander.close()

    return asyncio.run(one())


def ask(intake: Intake, *requests: tuple[dict[str, str], Any], path: str = ADDRESS) -> list[httpx.Response]:
    """Send requests at once; return the answers."""

    async def all_of_them() -> list[httpx.Response]:
        app = intake_app(intake)
        try:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                sent = [client.post(path, headers=headers, content=body) for headers, body in requests]
                return await asyncio.gather(*sent)
        finally:
            app.state.lander.close()

    return asyncio.run(all_of_them())


def test_a_webhook_is_durable_when_it_is_acknowledged(shop: Shop) -> None:
    """202 and the delivery's id; 200 where it was here before; and then the order is taken in."""
    body = document(an_order(1), delivery="d1")
    intake = served(shop)
    (first,) = ask(intake, (SIGNED, body))
    (again,) = ask(intake, (SIGNED, body))
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json() == {"delivery": first.json()["delivery"], "duplicate": True}
    assert shop.work() == {"accepted": 1}


def test_many_at_once_are_each_landed_once(shop: Shop) -> None:
    """Those that come together share a transaction, copies among them."""
    requests = [(SIGNED, document(an_order(number % 20), delivery=str(number % 20))) for number in range(100)]
    answers = ask(served(shop), *requests)
    assert sorted(answer.status_code for answer in answers) == [200] * 80 + [202] * 20
    assert shop.work() == {"accepted": 20}


def test_what_is_not_proven_is_refused_and_counted(shop: Shop) -> None:
    """401 as a problem of RFC 9457, and nothing lands."""
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        (answer,) = ask(served(shop), (headers, document(an_order(1))))
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["title"] == "Unauthorized"
    assert shop.sources.figures("shop/main", shop.clock()).refused == 2
    assert shop.work() == {}


@pytest.mark.parametrize(
    ("headers", "size", "status"),
    [
        ({"Content-Type": "image/png"}, 10, 415),
        ({"Content-Encoding": "gzip"}, 10, 415),
        ({}, LARGEST + 1, 413),
        ({"Content-Length": "9" * 30}, 10, 413),
    ],
)
def test_what_no_order_is_in_is_not_read(shop: Shop, headers: dict[str, str], size: int, status: int) -> None:
    """Pictures, packed bodies and what is too large, whether it says so or not."""

    async def body() -> AsyncIterator[bytes]:
        left = size
        while left:
            piece = min(left, 1 << 20)
            left -= piece
            yield bytes(piece)

    (answer,) = ask(served(shop), ({**SIGNED, **headers}, body()))
    assert answer.status_code == status


def test_a_large_body_becomes_a_file(shop: Shop, tmp_path: Path) -> None:
    """Over a mebibyte it is kept beside the database, and read from there."""
    body = document(*(an_order(number) for number in range(1_500)))
    assert len(body) > 1 << 20
    (answer,) = ask(served(shop), (SIGNED, body))
    assert answer.status_code == 202
    assert [one.stat().st_size for one in (tmp_path / "bodies").rglob("*") if one.is_file()] == [len(body)]
    assert shop.work() == {"accepted": 1_500}


def test_other_addresses_and_methods_are_not_there(shop: Shop) -> None:
    """404 for a source that is not configured."""
    (answer,) = ask(served(shop), (SIGNED, b"{}"), path="/intake/shop/other")
    assert answer.status_code == 404


def test_too_much_that_waits_is_told_to_come_later(shop: Shop) -> None:
    """429 with Retry-After where the backlog is full; a resting source may have less of it."""
    for number in range(10):
        shop.send(document(an_order(number)))
    (full,) = ask(served(shop, backlog=10), (SIGNED, document(an_order(11))))
    assert (full.status_code, full.headers["retry-after"]) == (429, "30")
    (taken,) = ask(served(shop, backlog=50), (SIGNED, document(an_order(11))))
    assert taken.status_code == 202
    before = shop.sources.load("shop/main").breaker
    opened = replace(Tolerance(), failures=1).failed(before, shop.clock(), "the rules' store is away")
    assert shop.sources.turn("shop/main", before, opened, None)
    (rests,) = ask(served(shop, backlog=50), (SIGNED, document(an_order(12))))
    assert rests.status_code == 429
    assert shop.work() == {}
    shop.clock.pass_by(minutes=1)
    assert shop.work() == {"accepted": 11}


def test_a_store_that_is_away_is_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """503, and the source sends again: nothing was acknowledged."""
    from ordertrail.kernel.errors import UnavailableError

    def away(*_arguments: object) -> Iterator[None]:
        raise UnavailableError("it is away")

    monkeypatch.setattr(shop.inbox, "land", away)
    (answer,) = ask(served(shop), (SIGNED, document(an_order(1))))
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


@pytest.mark.parametrize("path", OPERATORS)
def test_only_an_operator_looks(shop: Shop, path: str) -> None:
    """401 without the key, with a source's own, and with one that is nearly right; 404 where none is configured."""
    nearly = base64.b64encode(f"{OPERATOR}:wrong".encode()).decode()
    for headers in (
        {},
        SIGNED,
        {"Authorization": f"Bearer {OPERATOR}x"},
        {"Authorization": f"Basic {nearly}"},
    ):
        refused = look(shop, path, headers)
        assert refused.status_code == 401
        assert "Basic" in refused.headers["www-authenticate"]
        assert "shop/main" not in refused.text
    for odd in ("Basic !", "Bearer", "Bearer ", "Digest x", "Basic " + base64.b64encode(b"\xff").decode()):
        assert look(shop, path, {"Authorization": odd}).status_code == 401
    password = base64.b64encode(f"anybody:{OPERATOR}".encode()).decode()
    for headers in (BEARER, {"Authorization": f"Basic {password}"}):
        answer = look(shop, path, headers)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert "shop/main" in answer.text
    assert look(shop, path, BEARER, key=None).status_code == 404
    assert look(shop, path, {"Authorization": "Bearer "}, key="").status_code == 401


def test_an_operators_key_lands_nothing(shop: Shop) -> None:
    """What opens the page is no source's secret."""
    (answer,) = ask(served(shop), (BEARER, document(an_order(1))))
    assert answer.status_code == 401


def test_health_says_how_each_source_is(shop: Shop) -> None:
    """As JSON: standing, why, and the figures."""
    shop.send(document(an_order(1)))
    (source,) = look(shop, "/intake/health", BEARER).json()["sources"]
    assert (source["source"], source["standing"], source["backlog"]) == ("shop/main", "live", 1)
    assert source["reason"].startswith("1 delivery in the last hour")


def test_metrics_are_in_the_text_format(shop: Shop) -> None:
    """Version 0.0.4: each family has its help and type once, before its samples; each sample is a number."""
    shop.take({})
    shop.send(document(an_order(1)))
    answer = look(shop, "/metrics", BEARER)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.text.endswith("\n")
    family, found = "", {}
    for line in answer.text.splitlines():
        if line.startswith("# HELP "):
            family = line.split()[2]
        elif line.startswith("# TYPE "):
            assert line == f"# TYPE {family} gauge"
        else:
            sample = re.fullmatch(r'(\w+)\{([a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*)\} (\S+)', line)
            assert sample is not None
            assert sample[1] == family
            found[sample[1], sample[2]] = float(sample[3])
    source = 'source="shop/main"'
    assert found["ordertrail_intake_backlog", source] == 1
    assert found["ordertrail_intake_open_letters", source] == 1
    assert found["ordertrail_intake_breaker", source + ',circuit="closed"'] == 1
    assert found["ordertrail_intake_breaker", source + ',circuit="open"'] == 0


def test_the_page_runs_nothing_and_tells_no_value(shop: Shop) -> None:
    """Its policy allows one style sheet, by its hash; causes and what to do are there, nobody's name is."""
    shop.rules.says["1"] = Verdict(
        holds=(Fault(Code.RULE, "/buyer/email", "buyer@example.com is odd", "e<b>"),)
    )
    shop.take(an_order(1), {})
    answer = look(shop, "/intake/", BEARER)
    page, policy = answer.text, answer.headers["content-security-policy"]
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "<script" not in page and " style=" not in page and "http" not in page  # noqa: PT018 - one promise
    assert "rule e&lt;b&gt;" in page
    assert "Have the source fill this field" in page
    assert "buyer@example.com" not in page and "A. Buyer" not in page  # noqa: PT018 - as above
    tree = lxml.html.fromstring(page)
    for table in tree.iter("table"):
        assert table.find("caption") is not None
        columns = len(table.findall("thead/tr/th[@scope='col']"))
        rows = table.findall("tbody/tr")
        assert rows
        assert all(len(row) == columns and row[0].get("scope") == "row" for row in rows)
