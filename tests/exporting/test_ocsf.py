"""OCSF: every action is an event of a class, whole by the schema's own rules, and tells nothing that is sealed."""

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from exporting.entries import SEALED_BOX, SENDER, entries, entry_of, story
from ordertrail.exporting.entry import Exported
from ordertrail.exporting.ocsf import VERSION, Class, kind_of, ocsf
from ordertrail.record.actions import CATALOGUE


@cache
def validator(class_uid: int) -> Any:
    """Return what checks events of a class by the schema that the framework publishes."""
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=VERSION))
    return Draft202012Validator(schema.get_class_schema(schema.lookup_class_name_from_uid(class_uid)))


def check(one: Exported) -> dict[str, Any]:
    """Return an entry as an event of OCSF, which the schema has nothing against."""
    told: dict[str, Any] = json.loads(ocsf(one, SENDER))
    problems = [
        f"{error.json_path}: {error.message[:200]}"
        for error in validator(told["class_uid"]).iter_errors(told)
    ]
    assert not problems
    return told


@pytest.mark.parametrize("action", CATALOGUE)
def test_every_action_is_a_whole_event_of_its_class(action: str) -> None:
    """Required attributes, types, enumerations and constraints are those of the published schema."""
    told = check(entry_of(action))
    assert told["class_uid"] == kind_of(action).of
    assert told["type_uid"] == told["class_uid"] * 100 + told["activity_id"]
    assert told["category_uid"] == told["class_uid"] // 1_000


@given(entries())
def test_whatever_an_event_holds_is_told_by_the_schema(one: Exported) -> None:
    """Law: outcomes, roles, contexts, sealed values, any text: all of it is valid."""
    told = check(one)
    assert told["metadata"]["uid"] == one.event.id
    assert told["raw_data"].encode() == one.body


def test_the_schema_finds_what_is_missing() -> None:
    """The checks above would fail: for an attribute that is required, and for one that is none."""
    told = json.loads(ocsf(entry_of("order.update"), SENDER))
    schema = validator(told["class_uid"])
    assert list(schema.iter_errors({name: value for name, value in told.items() if name != "metadata"}))
    assert list(schema.iter_errors(told | {"severity_id": 77}))
    assert list(schema.iter_errors(told | {"entity": {"type": "order"}}))


def test_a_shop_s_story_is_told() -> None:
    """Real events, in their classes."""
    kinds = {check(one)["class_uid"] for one in story()}
    assert kinds == {Class.ENTITY}


def test_what_is_sealed_stays_sealed() -> None:
    """A sealed address is no address of an endpoint; its box is in the raw entry alone."""
    one = entry_of("order.update", sealed=True)
    told = check(one)
    del told["raw_data"]
    assert SEALED_BOX not in json.dumps(told)
    assert "ip" not in told["src_endpoint"]


def test_who_was_refused_failed() -> None:
    """Rules on failed signing in find it."""
    assert check(entry_of("access.signin.fail"))["status_id"] == 2
    assert check(entry_of("order.update", outcome="denied"))["status_detail"] == "denied"
    assert check(entry_of("order.update", outcome="rolled_back"))["status"] == "rolled back"


def test_a_trail_s_own_action_is_an_entity_s() -> None:
    """A word that the catalogue has not is told by its last word, or as other."""
    assert kind_of("order.gift.add").activity == 1
    one = check(replace(entry_of("order.update")))
    assert one["class_uid"] == Class.ENTITY
