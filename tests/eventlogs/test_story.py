"""The order story: lively, the same every time, and taken by the trail's strict door."""

import json
from collections import Counter
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ordertrail.record.parse import parse_event
from ordertrail.testing.story import order_story

STORY: list[dict[str, Any]] = [json.loads(line) for line in order_story()]


def told(action: str, **fields: str) -> list[dict[str, Any]]:
    """Return the story's events of an action whose actor, outcome or reason are as given."""
    found = [event for event in STORY if event["action"] == action]
    for key, value in fields.items():
        found = [e for e in found if value in (e["actor"]["id"], e["outcome"], e["context"].get(key))]
    return found


@given(st.integers(1, 60), st.integers(0, 5))
@settings(max_examples=15, deadline=None)
def test_every_story_is_taken_in_sequence_with_ids_of_its_own(orders: int, seed: int) -> None:
    """Every line passes the strict parser; ids are UUIDv7, distinct, and in the sequence of the times."""
    lines = list(order_story(orders, seed))
    assert lines == list(order_story(orders, seed))
    events = [parse_event(line) for line in lines]
    assert all(one.time <= other.time for one, other in pairwise(events))
    assert len({event.id for event in events}) == len(events)
    assert all(UUID(event.id).version == 7 for event in events)
    assert all(one.id[:18] <= other.id[:18] for one, other in pairwise(events))


def test_seeds_tell_different_stories() -> None:
    """The seed varies customers, articles and times."""
    assert list(order_story(seed=1)) != list(order_story(seed=2))


def test_a_story_needs_an_order() -> None:
    """None is a mistake of the caller."""
    with pytest.raises(ValueError, match="at least one order"):
        list(order_story(0))


def test_the_story_is_lively() -> None:
    """All channels, currencies, outcomes and kinds of actor take part, over two days."""
    assert {event["context"]["channel"] for event in STORY} == {"web", "marketplace", "edi", "backoffice"}
    assert {event["actor"]["kind"] for event in STORY} == {"person", "service", "system"}
    assert {event["outcome"] for event in STORY} == {"success", "denied", "failed"}
    assert {event["time"][:10] for event in STORY} == {"2026-11-20", "2026-11-21"}
    currencies = Counter(
        change["after"]["currency"]
        for event in STORY
        for change in event.get("changes", [])
        if isinstance(change.get("after"), dict)
    )
    assert set(currencies) == {"EUR", "GBP", "JPY", "KWD"}
    assert {link["system"] for event in STORY for link in event.get("links", [])} >= {"stripe", "dhl"}
    assert all({"ip", "request", "channel"} <= event["context"].keys() for event in STORY)


def test_the_fraud_can_be_found() -> None:
    """One clerk lowers prices by 40 % after approval, because a customer called."""
    frauds = told("order.price.change", reason="customer called")
    assert len(frauds) == 4
    for fraud in frauds:
        (change,) = fraud["changes"]
        assert fraud["actor"]["id"] == "t.varga"
        assert change["after"]["amount"] == change["before"]["amount"] * 60 // 100
        order = fraud["subject"]["order"]
        (approval,) = [event for event in told("order.approve") if event["subject"]["order"] == order]
        assert approval["time"] < fraud["time"]


def test_the_incidents_can_be_found() -> None:
    """Bulk cancellations at night, a dead channel, denied reversions, refunds and returns."""
    night = told("order.cancel")
    assert len(night) == 10
    assert {event["actor"]["id"] for event in night} == {"p.novak"}
    assert all("T02:" in event["time"] for event in night)
    assert len(told("order.create", outcome="failed")) == 8
    assert len(told("order.status.revert", outcome="denied")) == 6
    assert len(told("order.status.revert", outcome="success")) == 2
    assert told("payment.refund")
    assert len(told("return.create")) == len(told("return.receive")) > 0


def test_what_is_captured_is_what_the_order_comes_to() -> None:
    """After a price was lowered, less is captured than was authorized."""
    for fraud in told("order.price.change", reason="customer called"):
        amounts = {
            event["action"]: event["changes"][0]["after"]["amount"]
            for event in STORY
            if event["subject"]["order"] == fraud["subject"]["order"]
            and event["action"].startswith("payment.")
        }
        assert amounts["payment.capture"] < amounts["payment.authorize"]
