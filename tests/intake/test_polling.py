"""Asking a source that does not send by itself: each change once, nothing missed, and its secret to nobody else."""

import json
import string
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from intake.shop import SHOP, Shop, a_change, an_order, document
from ordertrail.adapters.http.asking import HttpAsker, Token
from ordertrail.assembly import create_trail
from ordertrail.cli.letters import app
from ordertrail.intake.asking import PLANS, Asked, Page, Paging, Plan, pointed
from ordertrail.intake.health import Standing, health_of
from ordertrail.intake.polling import Place, Polled, Poller, Step
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import ConfigurationError, UnavailableError
from ordertrail.settings import PollSettings, Settings, SourceSettings

SECRET = "the shop's token"  # noqa: S105 - of a shop in this test
CHANGES = Plan("/changes", {"since": "{since}"}, credential="X-Token")


@dataclass
class Remote:
    """A shop's API: documents and when they changed, a page each; asked for changes since a time."""

    url: str = ""
    changes: list[tuple[str, bytes]] = field(default_factory=list)
    status: int = 200
    leads: str | None = None
    """Where each page says that it goes on, in the place of the truth."""
    asked: list[str] = field(default_factory=list)
    secrets: list[str | None] = field(default_factory=list)
    tokens: int = 0

    def answer(self, path: str) -> tuple[bytes, str | None]:
        """Return the page of an address, and where it goes on."""
        said = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        number = int(said.get("page", "1"))
        found = [body for time, body in self.changes if time >= said["since"]]
        more = f"{self.url}/changes?since={said['since']}&page={number + 1}" if number < len(found) else None
        return (found[number - 1] if found else document()), self.leads or more


@contextmanager
def serving(remote: Remote) -> Iterator[Remote]:
    """Serve it on a port that is free."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            remote.asked.append(self.path)
            remote.secrets.append(self.headers.get("X-Token") or self.headers.get("Authorization"))
            if remote.tokens and self.headers.get("Authorization") != f"Bearer token-{remote.tokens}":
                self.send_error(401)
                return
            if remote.status != 200:
                self.send_response(remote.status)
                self.send_header("Location", "http://elsewhere.example/")
                self.end_headers()
                return
            body, more = remote.answer(self.path)
            self.send_response(200)
            if more is not None:
                self.send_header("Link", f'<{more}>; rel="next"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            remote.asked.append(self.rfile.read(length).decode())
            remote.tokens += 1
            body = json.dumps({"access_token": f"token-{remote.tokens}"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    remote.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield remote
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def remote() -> Iterator[Remote]:
    """A shop that can be asked."""
    with serving(Remote()) as found:
        yield found


@pytest.fixture
def polled(remote: Remote) -> Polled:
    """How it is asked."""
    return Polled(SHOP, CHANGES, remote.url, HttpAsker("X-Token", SECRET))


def change(shop: Shop, remote: Remote, *contents: Any) -> None:
    """Have something change at the source now."""
    remote.changes.append((f"{shop.clock():%Y-%m-%dT%H:%M:%SZ}", document(*contents)))


def poller(shop: Shop) -> Poller:
    """Return what asks for the shop."""
    return Poller(shop.door, shop.places, shop.clock)


def test_what_changed_is_taken_in_once(shop: Shop, remote: Remote, polled: Polled) -> None:
    """All pages of a round are landed; the next round asks from where this one began, less the overlap."""
    change(shop, remote, an_order(1), an_order(2))
    change(shop, remote, an_order(3))
    assert poller(shop).round(polled) == [Step.LANDED, Step.LANDED]
    assert shop.work() == {"accepted": 3}
    assert poller(shop).round(polled) == [Step.RESTING]
    shop.clock.now += timedelta(minutes=2)
    began = shop.clock()
    change(shop, remote, a_change(1, 2, status="cancelled"))
    assert poller(shop).round(polled) == [Step.LANDED] * 3  # the overlap says all of it again
    shop.work()
    assert {n: str(order.status) for n in (1, 2, 3) if (order := shop.order(n))} == {
        1: "cancelled",
        2: "accepted",
        3: "accepted",
    }
    place = shop.places.place(str(SHOP))
    assert place is not None
    assert place.asked.since[:19] == format_time(began - polled.overlap)[:19]
    assert set(remote.secrets) == {SECRET}


def test_an_answer_that_says_nothing_new_is_not_landed_again(
    shop: Shop, remote: Remote, polled: Polled
) -> None:
    """A source where nothing happens costs one delivery, however often it is asked."""
    change(shop, remote, an_order(1))
    steps = []
    for _ in range(4):
        steps += poller(shop).round(polled)
        shop.clock.now += polled.every
    assert steps == [Step.LANDED, Step.SAME, Step.SAME, Step.SAME]


def test_a_stop_between_landing_and_moving_on_changes_nothing(
    shop: Shop, remote: Remote, polled: Polled
) -> None:
    """The page is asked for again, and its orders are there once."""
    change(shop, remote, an_order(1))

    class Stopping:
        place = shop.places.place

        def move(self, *_: object) -> bool:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Poller(shop.door, Stopping(), shop.clock).step(polled)
    assert poller(shop).step(polled) is Step.LANDED
    assert shop.work()["accepted"] == 1
    assert [one.action for one in shop.events()].count("order.create") == 1


def test_two_who_ask_do_not_move_on_twice(shop: Shop, remote: Remote, polled: Polled) -> None:
    """Of two pollers with the same page one keeps its place; the other is told that it lost."""
    change(shop, remote, an_order(1))
    change(shop, remote, an_order(2))

    class Late:
        """Sees the place before somebody else moves on."""

        def place(self, source: str) -> Place | None:
            seen = shop.places.place(source)
            assert poller(shop).step(polled) is Step.LANDED
            return seen

        move = shop.places.move

    assert Poller(shop.door, Late(), shop.clock).step(polled) is Step.LOST
    assert poller(shop).step(polled) is Step.LANDED
    assert shop.work()["accepted"] == 2


@pytest.mark.parametrize("status", [302, 401, 404, 429, 500, 503])
def test_a_source_that_fails_is_asked_later_and_nothing_is_missed(
    shop: Shop, remote: Remote, polled: Polled, status: int
) -> None:
    """Its health says so after a while; when it answers again, all of the time between is there."""
    remote.status = status
    for number in range(1, 5):
        change(shop, remote, an_order(number))
        assert poller(shop).step(polled) is Step.FAILED
        shop.clock.now += timedelta(hours=1)
    health = health_of(str(SHOP), shop.sources.figures(str(SHOP), shop.clock()), shop.clock())
    assert (health.standing, f"{status}" in health.reason) == (Standing.FAILING, True)
    assert SECRET not in health.reason
    remote.status = 200
    poller(shop).round(polled)
    assert shop.work()["accepted"] == 4
    assert shop.sources.figures(str(SHOP), shop.clock()).unasked is None


def test_a_source_that_is_away_is_no_answer(shop: Shop) -> None:
    """Nobody there: it is asked later."""
    gone = Polled(SHOP, CHANGES, "http://127.0.0.1:9", HttpAsker("X-Token", SECRET))
    assert poller(shop).step(gone) is Step.FAILED


@pytest.mark.parametrize(
    ("leads", "reason"),
    [
        ("http://127.0.0.1:1/changes?since=2000", "another server"),
        ("https://elsewhere.example/", "another server"),
        ("//elsewhere.example/x", "another server"),
    ],
)
def test_an_answer_cannot_lead_elsewhere(
    shop: Shop, remote: Remote, polled: Polled, leads: str, reason: str
) -> None:
    """Our secret goes to the source's server and to no other, whatever an answer says."""
    change(shop, remote, an_order(1))
    remote.leads = leads
    poller(shop).round(polled)
    place = shop.places.place(str(SHOP))
    assert place is not None
    assert reason in (place.reason or "")


def test_an_answer_cannot_lead_in_a_circle(shop: Shop, remote: Remote, polled: Polled) -> None:
    """A page that leads to itself ends the round as a failure."""
    change(shop, remote, an_order(1))
    remote.leads = "/changes?since=2000-01-01T00:00:00Z"
    assert poller(shop).round(polled)[-1] is Step.FAILED


def test_a_page_that_is_no_json_is_no_answer(shop: Shop, remote: Remote, polled: Polled) -> None:
    """A page of a gateway in the way does not move the place on."""
    remote.changes.append(("9999", b"<html>please log in</html>"))
    assert poller(shop).step(polled) is Step.FAILED
    place = shop.places.place(str(SHOP))
    assert place is not None
    assert place.answered is None


def test_an_answer_is_bounded(monkeypatch: pytest.MonkeyPatch, remote: Remote) -> None:
    """More than what is read of a document is refused while it comes."""
    monkeypatch.setattr("ordertrail.adapters.http.asking.LARGEST", 1_000)
    remote.changes.append(("9999", b'"' + b"x" * 1_000 + b'"'))
    with pytest.raises(UnavailableError, match="1,000 bytes"):
        HttpAsker("bearer", None).ask(f"{remote.url}/changes?since=2000")


@pytest.mark.parametrize("refresh", [None, "the refresh token"])
def test_a_token_is_made_when_there_is_none_and_anew_when_it_ends(
    remote: Remote, refresh: str | None
) -> None:
    """OAuth 2.0: client credentials, or a refresh token; the token is kept while it is taken."""
    asker = HttpAsker("bearer", Token(f"{remote.url}/token", ("client", "word"), refresh))
    address = f"{remote.url}/changes?since=2000"
    asker.ask(address)
    asker.ask(address)
    assert remote.tokens == 1
    assert ("refresh_token=the+refresh+token" in remote.asked[0]) == (refresh is not None)
    remote.tokens += 1  # it has ended there
    with pytest.raises(UnavailableError, match="401"):
        asker.ask(address)
    asker.ask(address)
    assert remote.tokens == 3


def test_a_secret_is_said_as_the_source_wants_it(remote: Remote) -> None:
    """Bearer, Basic, or a header of its own."""
    for credential in ("bearer", "basic", "X-Token"):
        HttpAsker(credential, "user:word").ask(f"{remote.url}/changes?since=2000")
    assert remote.secrets == ["Bearer user:word", "Basic dXNlcjp3b3Jk", "user:word"]


PAGES: list[tuple[Plan, Page, Any, str | None]] = [
    (Plan("/o"), Page(b"", "/o?after=1"), None, "http://x/o?after=1"),
    (Plan("/o", {}, Paging.ADDRESS, "/next"), Page(b""), {"next": "http://x/o?2"}, "http://x/o?2"),
    (
        Plan("/o", {"c": "{cursor}"}, Paging.CURSOR, "/meta/0/c"),
        Page(b""),
        {"meta": [{"c": "a b"}]},
        "http://x/o?c=a%20b",
    ),
    (Plan("/o", {"p": "{page}"}, Paging.NUMBER, "/items", 2), Page(b""), {"items": [1, 2]}, "http://x/o?p=2"),
    (Plan("/o", {"o": "{offset}"}, Paging.NUMBER, "", 2), Page(b""), [1, 2], "http://x/o?o=2"),
    (Plan("/o", {}, Paging.NUMBER, "/items", 2), Page(b""), {"items": [1]}, None),
    (Plan("/o", {}, Paging.CURSOR, "/c"), Page(b""), {"c": ""}, None),
    (Plan("/o", {}, Paging.ADDRESS, "/next"), Page(b""), {"next": None}, None),
    (Plan("/o"), Page(b""), None, None),
]


@pytest.mark.parametrize(("plan", "page", "tree", "address"), PAGES)
def test_each_way_to_the_next_page(plan: Plan, page: Page, tree: Any, address: str | None) -> None:
    """By a Link header, an address or a word in the answer, or by counting; and each knows its end."""
    following = plan.next(Asked("2026-11-22T14:02:10.000000Z"), page, tree)
    assert (None if following is None else plan.address("http://x", following)) == address


@pytest.mark.parametrize("channel", sorted(PLANS))
def test_the_channels_own_ways_to_be_asked(channel: str) -> None:
    """Each says from when on, in its first question, on the server that was named."""
    address = PLANS[channel].address("https://shop.example/api", Asked("2026-11-22T14:02:10.000000Z"))
    assert address.startswith("https://shop.example/api/")
    assert "2026-11-22" in address
    assert "{" not in address


@given(st.text(string.printable), st.text(string.printable))
def test_what_a_source_says_stays_a_value(cursor: str, other: str) -> None:
    """A word of an answer becomes one parameter, whatever is in it."""
    plan = Plan("/o", {"c": "{cursor}", "d": other.replace("{", "").replace("}", "")}, Paging.CURSOR, "/c")
    address = plan.address("http://x", Asked("2026-11-22T14:02:10.000000Z", 2, cursor))
    assert parse_qs(urlsplit(address).query, keep_blank_values=True)["c"] == [cursor]


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda e: st.lists(e) | st.dictionaries(st.text(), e))
)
def test_a_pointer_finds_what_is_there(tree: Any) -> None:
    """RFC 6901: each place of a tree is found by its own pointer, and what is not there is None."""

    def places(node: Any, pointer: str) -> Iterator[tuple[str, Any]]:
        yield pointer, node
        pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for name, one in pairs:
            yield from places(one, f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}")

    assert all(pointed(tree, pointer) == node for pointer, node in places(tree, ""))
    assert pointed(tree, "/nowhere at all/9") is None


@pytest.fixture
def home(tmp_path: Path, remote: Remote) -> Callable[..., Path]:
    """Make a trail whose source is asked."""

    def make(**said: Any) -> Path:
        poll = PollSettings(url=remote.url, path="/changes", parameters={"since": "{since}"}, **said)
        source = SourceSettings(channel="shopify", account="main", currency="EUR", poll=poll)
        root = tmp_path / "trail"
        create_trail(
            root, "shop.example/orders", settings=Settings(immutable=False, sources=[source])
        ).close()
        return root

    return make


def test_the_verb_asks_and_works(home: Callable[..., Path], remote: Remote) -> None:
    """'ordertrail intake poll' asks each source, works on what it said, and says so."""
    remote.changes.append(("9999", b'{"orders": []}'))
    done = CliRunner().invoke(app, ["poll", "--trail", str(home()), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["sources"] == [{"source": "shopify/main", "answers": 1, "reason": None}]
    remote.status = 503


def test_the_verb_says_whom_it_could_not_ask(home: Callable[..., Path], remote: Remote) -> None:
    """A source that does not answer is named with the reason; the status says that something is away."""
    remote.status = 503
    done = CliRunner().invoke(app, ["poll", "--trail", str(home()), "--json"])
    assert done.exit_code == 3
    assert "503" in json.loads(done.output)["sources"][0]["reason"]


def test_a_secret_does_not_travel_in_the_clear(home: Callable[..., Path], remote: Remote) -> None:
    """With a secret, https is asked, or this very machine, and nobody else."""
    root = home(secret_file="token")  # noqa: S106 - a file's name
    (root / "token").write_text(SECRET)
    assert CliRunner().invoke(app, ["poll", "--trail", str(root)]).exit_code == 0
    assert remote.secrets == [f"Bearer {SECRET}"]
    settings = root / "trail.toml"
    settings.write_text(settings.read_text().replace(remote.url, "http://shop.example"))
    done = CliRunner().invoke(app, ["poll", "--trail", str(root)])
    assert isinstance(done.exception, ConfigurationError)
    assert "https" in str(done.exception.remedy)


def test_a_place_that_is_kept_is_read_back(shop: Shop) -> None:
    """What is kept of a source that is asked comes back as it was."""
    place = Place(Asked("2026-11-22T14:02:10.000000Z", 3, "next"), "b", "a", "s", 2, "why", "then")
    assert shop.places.move("shop/main", None, place)
    assert shop.places.place("shop/main") == place
    assert not shop.places.move("shop/main", None, place)
    assert not shop.places.move("shop/main", replace(place, failures=9), place)
