"""Real logs, translated whole: exact counts, unique ids, and every line taken by the strict door."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from ordertrail.adapters.eventlogs import SourceProblem, builtin_mapping, open_event_log
from ordertrail.record.parse import parse_event
from shared_data import shared

FILES = {
    "bpic2019": ("datasets/bpic2019.xes.gz", "bpic2019", 338_247),
    "order-management": ("datasets/ocel/order-management-2000.sqlite", "order-management", 18_211),
    "ocel20": ("datasets/ocel/ocel20_example.sqlite", "ocel-order-process", 13),
    "order-process": ("datasets/ocel/order_process.jsonocel", "ocel-order-process", 2_391),
    "online-retail": ("datasets/online_retail.csv.zst", "online-retail", 541_909),
    "bpic2020": ("datasets/bpic2020/DomesticDeclarations.csv.zst", "bpic2020", 55_628),
}


@dataclass
class Summary:
    """What is left of a log once its lines have been looked at."""

    ids: set[str] = field(default_factory=set)
    orders: set[str | None] = field(default_factory=set)
    actions: Counter[str] = field(default_factory=Counter)
    actors: Counter[str] = field(default_factory=Counter)
    years: Counter[str] = field(default_factory=Counter)
    rounded: int = 0
    records: int = 0
    problems: list[SourceProblem] = field(default_factory=list)


_known: dict[str, Summary] = {}


def summary(name: str) -> Summary:
    """Translate a log once and remember what came of it."""
    if name not in _known:
        path, mapping, _ = FILES[name]
        _known[name] = summed = Summary()
        for found in open_event_log(shared(path), builtin_mapping(mapping)):
            if isinstance(found, SourceProblem):
                summed.problems.append(found)
                continue
            event = parse_event(found.line)
            summed.records += 1
            summed.ids.add(event.id)
            summed.orders.add(event.subject.order)
            summed.actions[event.action] += 1
            summed.actors[f"{event.actor.kind}:{event.actor.id}"] += 1
            summed.years[event.time[:4]] += 1
            summed.rounded += any(change.path.endswith("_source") for change in event.changes)
    return _known[name]


def events(name: str) -> Iterator[dict[str, Any]]:
    """Yield a small log's events."""
    path, mapping, _ = FILES[name]
    for found in open_event_log(shared(path), builtin_mapping(mapping)):
        assert not isinstance(found, SourceProblem)
        yield json.loads(found.line)


@pytest.mark.parametrize("name", FILES)
def test_every_event_is_translated_once(name: str) -> None:
    """No problem, no event lost, no id twice, and the strict parser takes each line."""
    found = summary(name)
    assert found.problems == []
    assert found.records == FILES[name][2]
    assert len(found.ids) == FILES[name][2]


@pytest.mark.parametrize("name", ["order-management", "ocel20", "order-process"])
def test_a_second_import_makes_the_same_lines(name: str) -> None:
    """Ids and all: what is recorded twice is recorded once."""
    path, mapping, _ = FILES[name]
    first, second = (list(open_event_log(shared(path), builtin_mapping(mapping))) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", FILES)
def test_the_log_is_recognised_without_a_mapping(name: str) -> None:
    """By its content: the same first line comes out."""
    path, mapping, _ = FILES[name]
    assert next(open_event_log(shared(path))) == next(open_event_log(shared(path), builtin_mapping(mapping)))


def test_bpic2019_keeps_its_activities_and_its_wrong_years() -> None:
    """All 42 activities have an action; the events of 1948 are there."""
    found = summary("bpic2019")
    assert len(builtin_mapping("bpic2019").actions) == 42
    assert len(found.orders) == 11_973
    assert found.actions["order.price.change"] == 2_487
    assert found.actions["order.quantity.change"] == 6_023
    assert found.actions["order.line.delete"] == 296
    assert found.actions["order.line.restore"] == 228
    assert found.actions["invoice.cancel"] == 2_914 + 274
    assert found.years["1948"] == 2
    assert set(found.actors) == {"system:unknown"}
    assert sum(one.startswith("00000000-0000-7") for one in found.ids) == 2


def test_online_retail_has_its_cancellations_and_customers() -> None:
    """9,288 lines cancel; 135,080 lines name no customer; four prices did not fit pennies."""
    found = summary("online-retail")
    assert len(found.orders) == 25_900
    assert found.actions == {
        "order.line.add": 531_282,
        "order.cancel": 9_288,
        "order.quantity.change": 1_336,
        "memo.create": 3,
    }
    assert found.rounded == 4
    customers = sum(count for actor, count in found.actors.items() if actor.startswith("person:customer-"))
    assert customers + found.actors["system:unknown"] == 541_909
    assert found.actors["person:customer-17850"] > 0


def test_bpic2020_has_its_reversions() -> None:
    """Every rejection is a reverted status; amounts with more than two decimals keep their text."""
    found = summary("bpic2020")
    assert len(found.orders) == 10_357
    assert found.actions["order.status.revert"] == 2_804
    assert found.actions["declaration.pay"] == 9_912
    assert found.actors == {"person:STAFF MEMBER": 35_802, "system:SYSTEM": 19_826}
    assert found.rounded > 50_000


def test_order_management_places_its_items_and_packages() -> None:
    """Every item stands under the order that comprises it; a package of many orders under itself."""
    found = list(events("order-management"))
    assert {event["subject"]["kind"] for event in found} == {"order", "order_line", "shipment"}
    for event in found:
        if event["subject"]["kind"] != "shipment":
            assert event["subject"]["order"].startswith("99")
    first = found[0]
    assert first["time"] == "2023-04-03T10:08:18.000000Z"
    assert {"path": "/price", "after": {"amount": 259_197, "currency": "EUR"}} in first["changes"]
    package = next(event for event in found if event["action"] == "shipment.dispatch")
    assert {link["kind"] for link in package["links"]} == {"employees", "orders"}
    assert package["actor"]["roles"] == ["Shipment"]


def test_the_purchase_process_has_values_before_and_after() -> None:
    """A changed quantity and a set payment block come from the objects' histories."""
    changed = {
        event["action"]: event["changes"][1] for event in events("ocel20") if len(event["changes"]) > 1
    }
    assert changed["order.quantity.change"] == {"path": "/quantity", "before": 500, "after": 600}
    assert changed["payment.block"] == {"path": "/blocked", "before": "No", "after": "Yes"}
    assert changed["payment.unblock"] == {"path": "/blocked", "before": "Yes", "after": "No"}


def test_the_order_process_reads_the_doubled_hour_as_the_earlier() -> None:
    """One event falls into the hour that 30 October 2022 had twice."""
    assert any(event["time"] == "2022-10-30T00:18:53.870968Z" for event in events("order-process"))
