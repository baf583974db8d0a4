"""What a rule asks is told to Python and to the index alike: nothing that is meant is missed by either database."""

import json
import os
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from ordertrail.adapters.index.database import IndexDatabase
from ordertrail.adapters.index.feeding import SqlIndex
from ordertrail.adapters.index.postgresql import PostgresqlIndex
from ordertrail.adapters.index.sqlite import SqliteIndex
from ordertrail.kernel.errors import InputError
from ordertrail.monitor.rules.expression import Either, Form
from ordertrail.monitor.rules.narrowing import narrowed
from ordertrail.monitor.rules.reading import read_rules
from ordertrail.monitor.rules.rule import Detection
from ordertrail.query.projection import Indexed
from ordertrail.query.tables import events, key_of
from query.generated import EVENTS, in_sequence
from query.generated import indexed as as_indexed
from servers.databases import empty_database
from servers.postgresql import Server, postgresql_server

__all__ = ["postgresql_server"]

SOAK = os.environ.get("ORDERTRAIL_SOAK") == "1"
VALUES = st.sampled_from(
    ["a", "AB", "ab*", "*b", "*a*", "a?", "ä", "ß", "it's", "%", "_", "order.*", "ORDER.READ", "paid", "person",
     "success", "denied", "yes", "203.0.113.7", "1.5", "unit_price", ""]
)  # fmt: skip
TEXT_FIELDS = st.sampled_from(
    ["action", "outcome", "actor", "kind", "role", "tag", "order", "channel", "ip", "network", "day", "changed",
     "path", "before.status", "after.status", "after.unit_price", "tenant", "cause"]
)  # fmt: skip
NUMBER_FIELDS = st.sampled_from(
    ["after.quantity", "before.quantity", "delta.quantity", "after.unit_price.EUR", "delta.unit_price.money",
     "after.0", "delta.status.JPY"]
)  # fmt: skip
TEXTS = st.tuples(
    TEXT_FIELDS,
    st.sampled_from(
        ["", "|contains", "|startswith", "|endswith", "|cased", "|contains|cased", "|contains|all"]
    ),
    st.lists(VALUES, min_size=1, max_size=3, unique=True),
)
ITEMS = st.one_of(
    TEXTS.map(lambda told: (f"{told[0]}{told[1]}", told[2])),
    st.tuples(NUMBER_FIELDS, st.sampled_from(["", "|gt", "|gte", "|lt", "|lte"]), st.integers(-30, 30)).map(
        lambda told: (f"{told[0]}{told[1]}", told[2])
    ),
    st.tuples(TEXT_FIELDS, st.booleans()).map(lambda told: (f"{told[0]}|exists", told[1])),
    TEXT_FIELDS.map(lambda name: (name, None)),
    st.tuples(TEXT_FIELDS, st.sampled_from(["^a", "b$", "(a|b)", "[a-c]+x?"])).map(
        lambda told: (f"{told[0]}|re", told[1])
    ),
    st.sampled_from(
        [
            ("filter", "lowered:unit_price>20%"),
            ("filter", ["raised:quantity>5", "is:sensitive"]),
            ("filter", "-is:attempt action:order.*"),
            ("filter", "became:status=paid"),
            ("ip|cidr", "203.0.113.0/24"),
        ]
    ),
)
SELECTIONS = st.lists(ITEMS, min_size=1, max_size=3).map(dict)
CONDITIONS = st.sampled_from(["a and b", "a or b", "a and not b", "not a", "1 of them", "not (a or b)"])


@st.composite
def detections(draw: st.DrawFn) -> Detection:
    """Draw a rule about one event."""
    rule = {
        "title": "it",
        "logsource": {"product": "ordertrail"},
        "detection": {"a": draw(SELECTIONS), "b": draw(SELECTIONS), "condition": draw(CONDITIONS)},
    }
    if draw(st.booleans()):
        rule["custom"] = {"outside-hours": {"zone": "Europe/Berlin", "from": "07:30", "until": "18:00"}}
    (found,) = read_rules(json.dumps(rule))
    assert isinstance(found, Detection)
    return found


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[IndexDatabase]:
    """An empty index of either kind."""
    if request.param == "sqlite":
        with closing(SqliteIndex(tmp_path_factory.mktemp("index") / "index.db")) as found:
            yield found
        return
    server: Server = request.getfixturevalue("postgresql_server")
    with empty_database(server) as name, closing(PostgresqlIndex(server.url(name), None)) as made:
        yield made


@settings(
    max_examples=1_500 if SOAK else 12,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.data_too_large,
    ],
)
@given(
    told=st.lists(EVENTS.map(as_indexed), min_size=1, max_size=8).map(in_sequence),
    rules=st.lists(detections(), min_size=4, max_size=8),
)
def test_the_index_misses_nothing_and_knows_what_is_sure(
    database: IndexDatabase, told: list[Indexed], rules: list[Detection]
) -> None:
    """What the least bound finds is meant, and what is meant the most bound finds; with NOT, too."""
    index = SqlIndex(database)
    index.clear()
    assert index.add("default", 0, len(told), told)
    with database.read() as connection:
        for rule in rules:
            test = rule.node.test()
            meant = {key_of(1, event.position) for event in told if test(event)}
            bounds = rule.node.bounds(database.dialect)
            least = set(connection.scalars(select(events.c.key).where(bounds.least)))
            most = set(connection.scalars(select(events.c.key).where(bounds.most)))
            assert least <= meant <= most


@settings(max_examples=150)
@given(event=EVENTS.map(as_indexed), rule=detections())
def test_what_is_left_to_ask_of_a_form_is_the_same_question(event: Indexed, rule: Detection) -> None:
    """A rule that is narrowed to the form of an event means it as the whole rule does; a verdict is never wrong."""
    whole = rule.node.test()(event)
    for form in (
        Form(event.action),
        Form(event.action, event.actor_kind, event.outcome),
        Form(event.action, event.actor_kind, event.outcome, bool(event.changes)),
    ):
        verdict = rule.node.of(form)
        assert verdict.maybe or not whole
        assert whole or not verdict.surely
        assert narrowed(rule.node, form).test()(event) is whole


@pytest.mark.parametrize(
    ("pattern", "value", "meant"),
    [
        ("action: ORDER.read", {"action": "order.read"}, True),
        ("actor|cased: Clerk", {"actor": "clerk"}, False),
        ("actor: cl?rk-*", {"actor": "clerk-17"}, True),
        ("actor: cl?rk", {"actor": "clerk-17"}, False),
        ("actor|re: '^clerk-\\d+$'", {"actor": "clerk-17"}, True),
        ("actor|re|i: '^CLERK'", {"actor": "clerk-17"}, True),
        ("ip|cidr: 10.0.0.0/8", {"ip": "10.20.1.14"}, True),
        ("ip|cidr: 10.0.0.0/8", {"ip": "not one"}, False),
        ("network: 10.20.1.0/24", {"ip": "10.20.1.14"}, True),
        ("network: '2001:db8:1::/48'", {"ip": "2001:db8:1:2::3"}, True),
        ("order: null", {"order": None}, True),
        ("order|exists: true", {"order": None}, False),
    ],
)
def test_texts_are_compared_as_sigma_says(pattern: str, value: dict[str, str | None], meant: bool) -> None:  # noqa: FBT001
    """Case is minded with |cased and |re only; * and ? are wildcards; null is absence."""
    text = f"title: it\nlogsource: {{product: ordertrail}}\ndetection:\n  a:\n    {pattern}\n  condition: a\n"
    (rule,) = read_rules(text)
    assert isinstance(rule, Detection)
    plain = {
        "stream": "default", "position": 0, "id": "x", "time": 0, "recorded": 0, "action": "order.read",
        "outcome": "success", "actor": "clerk-17", "actor_kind": "person", "subject_kind": "order",
        "subject": "SO-1", "sensitive": False, "search": "",
    }  # fmt: skip
    assert rule.node.test()(Indexed(**{**plain, **value})) is meant  # type: ignore[arg-type]


def test_money_is_compared_in_its_own_currency() -> None:
    """An amount in minor units, of the currency that is named; with money, of any; never of plain numbers."""
    text = """
title: it
logsource: {product: ordertrail}
detection:
  euro: {after.total.EUR|gte: 100000}
  any: {after.total.money|gte: 100000}
  plain: {after.total|gte: 100000}
  condition: CONDITION
"""
    from ordertrail.query.projection import IndexedChange

    def meant(condition: str, unit: str, number: int) -> bool:
        (rule,) = read_rules(text.replace("CONDITION", condition))
        change = IndexedChange("/total", "total", unit=unit, after_number=number)
        assert isinstance(rule, Detection)
        return rule.node.test()(_event(change))

    def _event(change: IndexedChange) -> Indexed:
        return Indexed(
            stream="default", position=0, id="x", time=0, recorded=0, action="order.update", outcome="success",
            actor="a", actor_kind="person", subject_kind="order", subject="SO-1", sensitive=False, search="",
            changes=(change,),
        )  # fmt: skip

    assert meant("euro", "EUR", 100_000)
    assert not meant("euro", "USD", 100_000)
    assert meant("any", "USD", 100_000)
    assert not meant("any", "", 100_000 * 1_000_000)
    assert meant("plain", "", 100_000 * 1_000_000)
    assert not meant("plain", "EUR", 100_000 * 1_000_000)


def test_an_empty_either_means_nothing() -> None:
    """Of no alternatives none holds."""
    assert Either(()).of(Form("order.read")).maybe is False


def test_what_is_no_condition_is_refused() -> None:
    """A number cannot be found in a text, and the other way round."""
    with pytest.raises(InputError, match="holds texts"):
        read_rules(
            "title: it\nlogsource: {product: ordertrail}\ndetection: {a: {actor|gt: 5}, condition: a}\n"
        )
