"""Asking gateways and carriers: all of what their lists hold, each once, whether a webhook told it or not."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from typer.testing import CliRunner

from correlate.remote import Api, serving
from correlate.stock import (
    NUMBERS,
    answers_for,
    element,
    notification,
    number_of,
    scans,
    stock,
    stripe_event,
)
from correlate.test_running import an_order_comes
from ordertrail.adapters.http.asking import HttpAsker
from ordertrail.assembly import create_trail
from ordertrail.assembly.background import Deaf, Stopping
from ordertrail.assembly.correlate import open_correlate
from ordertrail.assembly.jobs import Work
from ordertrail.assembly.polling import OUTSIDE_POLLING, open_outside
from ordertrail.assembly.stores import read_settings
from ordertrail.cli.outside import app
from ordertrail.correlate.asking import Asking, Listing, Round, Turn
from ordertrail.correlate.facts import Fact
from ordertrail.correlate.provider import BUILT_IN, asking_of
from ordertrail.correlate.service import Correlate
from ordertrail.intake.asking import Asked, Page
from ordertrail.intake.delivery import Way
from ordertrail.intake.health import Standing
from ordertrail.intake.polling import Place, Poller, Step
from ordertrail.intake.receiving import Sent
from ordertrail.intake.states import MessageState
from ordertrail.kernel.errors import ConfigurationError, UnavailableError
from ordertrail.settings import Settings
from ordertrail.settings.correlate import CorrelateSettings, ProviderPollSettings, ProviderSettings

NOW = datetime(2026, 11, 22, 14, 10, tzinfo=UTC)
SECRET = "client:word"  # noqa: S105 - of an account in this test
LISTED = (
    "aftership",
    "authorizenet",
    "braintree",
    "easypost",
    "mollie",
    "paypal",
    "razorpay",
    "shippo",
    "square",
)
CARRIERS = ("dhl", "fedex", "ups", "usps")


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        """Return what it is set to."""
        return self.now


@pytest.fixture
def api() -> Iterator[Api]:
    """A provider that can be asked."""
    with serving(Api()) as served:
        yield served


@pytest.fixture
def clock() -> Clock:
    """The time of these tests."""
    return Clock()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A trail, with the secret of an account."""
    place = tmp_path / "trail"
    create_trail(place, "shop.example/log", settings=Settings(immutable=False)).close()
    (place / "key").write_text(SECRET)
    return place


def account(provider: str, api: Api, **said: Any) -> ProviderSettings:
    """Return an account whose API is on this machine."""
    poll = ProviderPollSettings(secret_file="key", url=api.url, **said)  # noqa: S106 - a file's name
    return ProviderSettings(provider=provider, account="main", currency="USD", poll=poll)


class Account:
    """An account that is asked, and what is known of it."""

    def __init__(self, root: Path, provider: str, api: Api, clock: Clock, correlate: Correlate) -> None:
        self.correlate = correlate
        (self.polled,) = open_outside(root, correlate, [account(provider, api)])
        self.poller = Poller(correlate.intake.door, correlate.intake.places, clock)

    def round(self) -> list[Step]:
        """Ask for everything that is due."""
        return self.poller.round(self.polled)

    def facts(self) -> list[Fact]:
        """Return all facts that are known."""
        self.correlate.observer.drain()
        return [fact for page in self.correlate.every_fact.pages(100) for fact in page]

    def place(self) -> Place:
        """Return how far it was asked."""
        place = self.correlate.intake.places.place(str(self.polled.source))
        assert place is not None
        return place


@pytest.fixture
def asking(root: Path, api: Api, clock: Clock) -> Iterator[Any]:
    """Make an account of a provider, and ask it."""
    opened: list[Any] = []

    def make(provider: str) -> Account:
        said = CorrelateSettings(providers=[account(provider, api)])
        opened.append(open_correlate(root, said, clock=clock))
        return Account(root, provider, api, clock, opened[-1].__enter__())

    yield make
    for one in opened:
        one.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("provider", "many"), [*((name, 5) for name in LISTED), ("razorpay", 230), ("stripe", 5)]
)
def test_all_that_a_provider_lists_is_told_once(
    asking: Any, api: Api, clock: Clock, provider: str, many: int
) -> None:
    """All pages of all lists are asked for; asked again, with the overlap, nothing is told twice."""
    stock(api, provider, range(many))
    asked = asking(provider)
    steps = asked.round()
    assert steps[-1] in {Step.LANDED, Step.SAME}
    assert len(asked.facts()) == many
    assert asked.place().begun is None
    clock.now += timedelta(days=1)
    asked.round()
    assert len(asked.facts()) == many


@pytest.mark.parametrize("provider", [*LISTED, "stripe"])
def test_the_question_says_from_when_on_and_who_asks(asking: Any, api: Api, provider: str) -> None:
    """The first question has a time, or its list ends at one; each has the account's proof, in the provider's way."""
    stock(api, provider, range(1))
    asked = asking(provider)
    asked.round()
    known = asking_of(provider)
    assert known is not None
    questions = [one for one in api.asked if not one.path.endswith("token")]
    for question in questions:
        said = json.dumps([question.said, question.posted])
        listing = next((one for one in known.lists if one.path == question.path), known.lists[0])
        assert (
            listing.time
            or "2026-10-23" in said
            or str(int((NOW - timedelta(days=30)).timestamp())) in said
            or (provider == "square" and question.path == "/v2/disputes")
        )
        header = {"bearer": "authorization", "basic": "authorization"}.get(known.credential, known.credential)
        proof = question.headers[header.partition(" ")[0].lower()]
        assert proof.split()[0] in {"Bearer", "Basic", "ShippoToken", SECRET}
    assert {one.headers.get("braintree-version") for one in questions} == (
        {"2019-01-01"} if provider == "braintree" else {None}
    )


def test_what_the_webhook_told_and_the_log_tells_is_one_fact(asking: Any, api: Api) -> None:
    """The webhook of an event and the same event in the list: one fact, and what only the list has besides."""
    stock(api, "stripe", range(3))
    asked = asking("stripe")
    body = json.dumps(stripe_event(1)).encode()
    asked.correlate.intake.door.receive(Sent(asked.polled.source, body, Way.FILE))
    assert [fact.id for fact in asked.facts()] == ["ch_1"]
    asked.round()
    worked = asked.correlate.observer.drain()
    assert worked.states == {MessageState.ACCEPTED: 2, MessageState.DUPLICATE: 1}
    assert sorted(fact.id for fact in asked.facts()) == ["ch_0", "ch_1", "ch_2"]


def test_a_fetched_notification_is_the_one_that_was_sent(asking: Any, api: Api) -> None:
    """Where the list only names documents, each is fetched; what a webhook brought already counts once."""
    stock(api, "authorizenet", range(2))
    asked = asking("authorizenet")
    body = json.dumps(notification("authorizenet-0"), indent=1).encode()
    asked.correlate.intake.door.receive(Sent(asked.polled.source, body, Way.FILE))
    asked.round()
    worked = asked.correlate.observer.drain()
    assert (worked.states[MessageState.ACCEPTED], worked.states[MessageState.DUPLICATE]) == (2, 1)
    assert len(asked.facts()) == 2


@pytest.mark.parametrize("steps", range(1, 6))
def test_who_is_killed_goes_on_where_the_place_is(asking: Any, api: Api, clock: Clock, steps: int) -> None:
    """Killed after any page, before its place is kept: another process goes on, and nothing is missed or told twice."""
    stock(api, "mollie", range(5))
    api.lists["/v2/refunds"] = [
        {**element("mollie", n), "resource": "refund", "status": "refunded", "id": f"re_{n}"}
        for n in range(3)
    ]
    asked = asking("mollie")
    places = asked.correlate.intake.places
    left = steps

    class Dying:
        place = places.place

        def move(self, source: str, before: Place | None, after: Place) -> bool:
            nonlocal left
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
            moved: bool = places.move(source, before, after)
            return moved

    with pytest.raises(KeyboardInterrupt):
        Poller(asked.correlate.intake.door, Dying(), clock).round(asked.polled)
    seen = len(api.asked)
    asked.round()
    assert len(api.asked) - seen == 6 - (steps - 1)
    assert len(asked.facts()) == 8


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("120", 120),
        ("in two hours", 7_000),
        ("9" * 20, 86_400),
    ],
)
def test_who_says_when_to_come_again_is_not_asked_before(
    asking: Any, api: Api, clock: Clock, said: str, wait: int
) -> None:
    """429 with Retry-After, in seconds or as a date, for a day at the most; then all of it is there."""
    stock(api, "stripe", range(5))
    asked = asking("stripe")
    assert asked.poller.step(asked.polled) is Step.LANDED
    date = format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)
    api.status, api.headers = 429, {"Retry-After": date if said == "in two hours" else said}
    assert asked.round() == [Step.FAILED]
    again = asked.place().again_at
    assert again is not None
    assert timedelta(seconds=wait) <= datetime.fromisoformat(again) - NOW < timedelta(seconds=86_400 + 1_801)
    clock.now += timedelta(seconds=wait - 1)
    assert asked.round() == [Step.RESTING]
    api.status, api.headers = 200, {}
    clock.now += timedelta(hours=24)
    asked.round()
    assert len(asked.facts()) == 5


def test_who_does_not_let_us_in_is_said_so_and_asked_later(asking: Any, api: Api, clock: Clock) -> None:
    """401: the health of the account says it, without the secret; the place stays, and nothing is missed."""
    stock(api, "stripe", range(3))
    asked = asking("stripe")
    api.status = 401
    for _ in range(3):
        assert asked.round() == [Step.FAILED]
        clock.now += timedelta(hours=1)
    (health,) = asked.correlate.intake.health()
    assert health.standing is Standing.FAILING
    assert "401" in health.reason
    assert SECRET not in health.reason
    api.status = 200
    asked.round()
    assert len(asked.facts()) == 3


def test_a_token_is_made_as_the_provider_wants_it(asking: Any, api: Api) -> None:
    """PayPal takes client and secret in a header, FedEx in what is posted; neither ever in an address."""
    stock(api, "paypal", range(1))
    asking("paypal").round()
    assert api.asked[0].headers["authorization"].startswith("Basic ")
    assert api.asked[0].posted == {"grant_type": ["client_credentials"]}
    assert api.asked[1].headers["authorization"].startswith("Bearer token-")
    assert all("word" not in json.dumps(one.said) for one in api.asked)


def test_an_answer_that_refuses_is_no_answer(asking: Any, api: Api) -> None:
    """GraphQL refuses with status 200: the place does not move on."""
    api.documents["/graphql"] = {"errors": [{"message": "no"}], "data": None}
    asked = asking("braintree")
    assert asked.round() == [Step.FAILED]
    assert "refuses" in (asked.place().reason or "")


def test_what_an_answer_leads_to_is_asked_of_the_account_s_own_server(asking: Any, api: Api) -> None:
    """A page that names another server gets no secret of ours: its path is asked of the server we know."""
    stock(api, "paypal", range(5))
    asked = asking("paypal")
    asked.round()
    assert len(asked.facts()) == 5
    for leads in ("//elsewhere.example/x", "https://elsewhere.example//x", "///elsewhere.example/x"):
        tree = {"links": [{"rel": "next", "href": leads}]}
        following = asked.polled.plan.next(Asked("2026-11-22T00:00:00Z"), Page(b""), tree)
        assert following is not None
        assert asked.polled.plan.address(api.url, following).startswith(f"{api.url}/")


@pytest.mark.parametrize("provider", CARRIERS)
def test_a_carrier_is_asked_for_parcels_that_are_on_their_way(
    asking: Any, api: Api, clock: Clock, provider: str
) -> None:
    """Parcels that are not known to have arrived are asked for by number, each by itself; those that have, no more."""
    asked = asking(provider)
    assert asked.round() == [Step.SAME]  # no parcel is known: nobody is asked
    assert api.asked == []
    for number in NUMBERS[provider]:
        body = json.dumps(scans(provider, number, there=number.endswith(("7", "3")))).encode()
        asked.correlate.intake.door.receive(Sent(asked.polled.source, body, Way.FILE))
    asked.facts()
    told = {number: scans(provider, number, there=True) for number in NUMBERS[provider][:1]}
    answers_for(api, provider, told)
    clock.now += timedelta(days=1)
    asked.round()
    numbers = [number_of(provider, one) for one in api.asked if not one.path.endswith("token")]
    assert numbers == list(NUMBERS[provider][:2])
    facts = asked.facts()
    assert {fact.thing for fact in facts if fact.kind == "delivered"} == {
        NUMBERS[provider][0],
        NUMBERS[provider][2],
    }
    clock.now += timedelta(days=1)
    api.asked.clear()
    asked.round()
    assert [number_of(provider, one) for one in api.asked] == [NUMBERS[provider][1]]
    assert asked.place().failures == 0  # a parcel that the carrier does not know is an answer


def test_a_parcel_that_only_an_order_names_is_asked_of_whom_its_number_looks_like(
    root: Path, asking: Any, api: Api, clock: Clock
) -> None:
    """A tracking number of an order is asked of the carrier whose numbers look so, and of no other."""
    an_order_comes(root, NUMBERS["ups"][0], placed="2026-11-20T14:00:00.000000Z")
    ups, dhl = asking("ups"), asking("dhl")
    ups.correlate.refresh()
    assert dhl.round() == [Step.SAME]
    answers_for(api, "ups", {NUMBERS["ups"][0]: scans("ups", NUMBERS["ups"][0], there=True)})
    ups.round()
    assert {fact.kind for fact in ups.facts()} == {"in_transit", "delivered"}
    clock.now += timedelta(days=130)
    assert ups.correlate.parcels(ups.polled.source, ".*").after("") is None


def test_every_provider_says_how_it_is_asked_or_has_no_list(asking: Any) -> None:
    """Of each that is shipped it is known how it is asked; only Adyen has no list, and a mapping none of its own."""
    assert {name for name in BUILT_IN if asking_of(name) is None} == {"adyen", "mapped"}
    assert {*LISTED, *CARRIERS, "stripe", "adyen", "mapped"} == set(BUILT_IN)
    with pytest.raises(ConfigurationError, match="documents no list"):
        asking("adyen")


def test_a_list_is_left_where_it_becomes_too_old() -> None:
    """A list that takes no time ends at the first page whose last element is older than what is asked for."""
    listing = Listing("/x", turn=Turn.NUMBER, items="/i", size=1, time="t", newest_first=True)
    course = Round(Asking("https://x.example", (listing,)))
    since = Asked("2026-11-22T00:00:00Z")
    for moment, goes_on in (
        ("2026-11-22T00:00:01+00:00", True),
        ("2026-11-21T23:59:59+00:00", False),
        ("?", True),
    ):
        assert (course.next(since, Page(b""), {"i": [{"t": moment}]}) is not None) == goes_on


def test_a_broken_address_is_no_answer() -> None:
    """What leads nowhere is a failure of the source, and no end of its list."""
    course = Round(Asking("https://x.example", (Listing("/x", turn=Turn.ADDRESS, at="/n"),)))
    with pytest.raises(UnavailableError, match="no address"):
        course.next(Asked("2026-11-22T00:00:00Z"), Page(b""), {"n": "http://[bad"})


def test_asking_at_the_command_line(root: Path, api: Api) -> None:
    """One round of all accounts, read and recorded; who does not answer is named, and the status says so."""
    stock(api, "stripe", range(3))
    (root / "trail.toml").write_text(
        f'version = 1\nimmutable = false\n[[correlate.providers]]\nprovider = "stripe"\naccount = "main"\n'
        f'[correlate.providers.poll]\nurl = "{api.url}"\nsecret_file = "key"\n'
    )
    run = CliRunner().invoke(app, ["poll", "--trail", str(root), "--json"])
    assert run.exit_code == 0, run.output
    told = json.loads(run.output)
    assert told["asked"] == [{"account": "stripe/main", "answers": 2, "reason": None}]
    assert told["parts"] == {"accepted": 3}
    assert (
        CliRunner().invoke(app, ["poll", "--trail", str(root)]).output.startswith("stripe/main: 0 answers.")
    )
    with open_correlate(root) as correlate:
        seen = correlate.intake.places.place("stripe/main")
        assert seen is not None
        correlate.intake.places.move("stripe/main", seen, replace(seen, again_at=None))
    api.status = 503
    run = CliRunner().invoke(app, ["poll", "--trail", str(root), "--json"])
    assert (run.exit_code, "503" in json.loads(run.output)["asked"][0]["reason"]) == (3, True)


def test_a_service_asks_by_itself(root: Path, api: Api) -> None:
    """Where an account says how it is asked, the service asks it, and ends when it is asked to end."""
    stock(api, "stripe", range(3))
    (root / "trail.toml").write_text(
        f'version = 1\nimmutable = false\n[[correlate.providers]]\nprovider = "stripe"\naccount = "main"\n'
        f'[correlate.providers.poll]\nurl = "{api.url}"\nsecret_file = "key"\n'
    )
    job = next(one for one in Work(root, read_settings(root)).jobs() if one.name == OUTSIDE_POLLING)
    stopping = Stopping()
    thread = Thread(target=job.run, args=(stopping, Deaf()))
    thread.start()
    try:
        with open_correlate(root) as correlate:
            deadline = time.monotonic() + 60
            facts = 0
            while facts < 3 and time.monotonic() < deadline:
                facts += correlate.observer.drain().states[MessageState.ACCEPTED]
                time.sleep(0.1)
    finally:
        stopping.ask()
        thread.join()
    assert facts == 3


def test_a_secret_is_not_sent_in_the_clear(root: Path, api: Api, clock: Clock) -> None:
    """With a secret, https is asked, or this very machine."""
    api.url = "http://gateway.example"
    said = [account("stripe", api)]
    with open_correlate(root, CorrelateSettings(providers=said), clock=clock) as correlate:
        with pytest.raises(ConfigurationError, match="over http"):
            open_outside(root, correlate, said)
        with pytest.raises(ConfigurationError, match="is to be asked"):
            open_outside(root, correlate, [])


def test_a_key_alone_is_a_user_without_a_word(api: Api) -> None:
    """EasyPost takes its key as a user of Basic (RFC 7617)."""
    stock(api, "easypost", range(0))
    HttpAsker("basic", "EZAK1").ask(f"{api.url}/v2/trackers?page_size=1")
    assert api.asked[-1].headers["authorization"] == "Basic RVpBSzE6"
