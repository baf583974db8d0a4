"""Who is behind a request, from where, and as which: the middleware, the admin, commands."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.test import AsyncClient, Client, RequestFactory

from capture.django.conftest import Database, run_async
from capture.django.shop.models import Order
from ordertrail.capture import acting
from ordertrail.capture.django import filtered, pending
from ordertrail.capture.django.configuration import configuration
from ordertrail.capture.django.frames import context_of
from ordertrail.record.event import Event

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def clerk(shop: Database) -> User:
    """A user of the admin in a group."""
    assert shop
    user = User.objects.create_superuser("clerk-17", password="x")
    user.groups.add(Group.objects.create(name="order.editor"))
    return user


def the_event() -> Event:
    """Return the one event that is recorded."""
    (event,) = pending()
    return event


def test_a_request_says_who_from_where_and_as_which(clerk: User) -> None:
    """User, groups as roles, address, user agent, request id and trace stand in the event."""
    client = Client(headers={"user-agent": "browser/1", "x-request-id": "r-1", "traceparent": TRACE})
    client.force_login(clerk)
    client.get("/note/1?note=x", REMOTE_ADDR="203.0.113.7")
    event = the_event()
    assert event.actor.id == "clerk-17"
    assert event.actor.roles == ("order.editor", "staff", "superuser")
    context = event.context
    assert context is not None
    assert (context.ip, context.user_agent, context.request, context.trace) == (
        "203.0.113.7",
        "browser/1",
        "r-1",
        TRACE,
    )
    assert context.channel == "web"


def test_a_coroutine_view_says_the_same(clerk: User) -> None:
    """An async view's changes carry the user, and what the view itself says."""
    client = AsyncClient()

    async def ask() -> None:
        await client.aforce_login(clerk)
        await client.get("/anote/1?note=x", headers={"x-request-id": "r-2"})

    run_async(ask())
    event = the_event()
    assert event.actor.id == "clerk-17"
    assert event.actor.roles == ("order.editor", "staff", "superuser")
    assert event.context is not None
    assert (event.context.request, event.context.reason) == ("r-2", "asked for")


def test_a_streamed_answer_is_made_by_who_asked(clerk: User) -> None:
    """Changes made while an answer is sent carry its request."""
    client = Client(headers={"x-request-id": "r-3"})
    client.force_login(clerk)
    answer: Any = client.get("/stream/1")
    assert b"".join(answer.streaming_content) == b"beginend"
    event = the_event()
    assert event.actor.id == "clerk-17"
    assert event.context is not None
    assert event.context.request == "r-3"


def test_nobody_in_particular_is_anonymous(shop: Database) -> None:
    """A visitor who did not log in is recorded as anonymous: guests place orders."""
    assert shop
    Client().get("/note/1?note=x")
    assert the_event().actor.id == "anonymous"


@pytest.mark.parametrize(
    ("peer", "forwarded", "told"),
    [
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),  # a client's own header is not believed
        ("10.0.0.2", "198.51.100.1, 203.0.113.9", "203.0.113.9"),  # nor is what it wrote before our proxy did
        ("10.0.0.2", "203.0.113.9, 10.1.1.1", "203.0.113.9"),  # through two proxies of ours
        ("10.0.0.2", "[2001:db8::1]:4711", "2001:db8::1"),
        ("10.0.0.2", "203.0.113.9:4711", "203.0.113.9"),
        ("10.0.0.2", "garbage", "10.0.0.2"),
        ("10.0.0.2", "", "10.0.0.2"),
        ("", "203.0.113.9", None),  # a Unix socket that nobody said to trust
        ("::ffff:203.0.113.7", "", "203.0.113.7"),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str, forwarded: str, told: str | None) -> None:
    """The address is the last one that no proxy of ours has; what a client writes there is not looked at."""
    request = RequestFactory().get("/", REMOTE_ADDR=peer, headers={"X-Forwarded-For": forwarded})
    assert context_of(request, configuration()).ip == told


def test_requests_that_change_nothing_ask_nothing(clerk: User, django_assert_queries: Any) -> None:
    """The user of a request is not asked for before a row changes."""
    client = Client()
    client.force_login(clerk)
    with django_assert_queries(0):
        client.get("/nowhere")


def test_admin_actions_carry_the_administrator(clerk: User) -> None:
    """What is changed and deleted in the admin is recorded with who did it."""
    client = Client()
    client.force_login(clerk)
    data = {"action": "delete_selected", "_selected_action": ["3"], "post": "yes"}
    answer = client.post("/admin/shop/order/", data)
    assert answer.status_code == 302
    assert not Order.objects.filter(pk=3).exists()
    assert {(event.action, event.actor.id) for event in pending()} == {("order.delete", "clerk-17")}


class Sync(BaseCommand):
    """A command of an application's own."""

    def handle(self, *_args: Any, **options: Any) -> None:
        """Change an order."""
        Order.objects.filter(pk=1).update(note=options["note"])

    def add_arguments(self, parser: Any) -> None:
        """Take the note."""
        parser.add_argument("--note")


def test_commands_carry_their_cause(shop: Database) -> None:
    """A command's changes carry which run of it was the cause; by itself it is maintenance, and counted."""
    assert shop
    call_command(Sync(), note="a")
    assert pending() == []
    assert filtered()["system", "shop_order"] == 1
    with acting("clerk-17"):
        call_command(Sync(), note="b")
    with acting(tags={"audit"}):
        call_command(Sync(), note="c")
    first, second = pending()
    assert first.actor.id == "clerk-17"
    assert second.actor.id == "command:test_requests"
    for event in (first, second):
        assert event.cause is not None
        assert event.cause.kind == "job"
        assert event.cause.id.startswith("test_requests/")
