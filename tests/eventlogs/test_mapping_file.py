"""Mapping files: strict, every problem named by its path, and the built-in ones within the catalogue."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlogs.small_logs import CSV_MAPPING, OCEL_MAPPING, XES_MAPPING, mapping_of
from ordertrail.adapters.eventlogs import builtin_mapping, builtin_mappings, load_mapping, parse_mapping
from ordertrail.kernel.errors import InputError
from ordertrail.record.actions import CATALOGUE, Action, Catalogue


def problems_of(text: str) -> list[str]:
    """Return what is wrong with a mapping."""
    with pytest.raises(InputError) as caught:
        parse_mapping(text.encode())
    return [str(problem) for problem in caught.value.problems]


def test_all_problems_are_named_at_once() -> None:
    """A person corrects a file once, not problem by problem."""
    text = """
version = 2
format = "csv"
curency = "EUR"

[time]
field = "when"
zone = "Europe/Atlantis"
ambiguous = "never"

[activity]
field = "what"

[subject]
kind = "order"

[actor]
id = { field = "who", map = { a = 5 } }
kind = "robot"

[[changes]]
path = "price"
after = { field = "price", as = "money", object = "x" }

[actions]
"Placed" = "order.creat"
"Paid" = { outcome = "maybe" }
"""
    assert problems_of(text) == [
        "version: is 2; this OrderTrail reads version 1",
        "actor.id.map.a: must be text",
        "subject: has no id",
        "actor.kind: is 'robot'; must be person, service, system",
        "changes.0.path: must be a JSON pointer, which starts with / (RFC 6901)",
        "changes.0.after: needs exactly one of field, case, object, template",
        "changes.0.after.object: is not known here",
        "log: is missing",
        "time.zone: 'Europe/Atlantis' is not a time zone of this computer's time zone data",
        "time.ambiguous: is 'never'; must be problem, earlier, later",
        "actions.Placed.action: 'order.creat' is not in the action catalogue; did you mean 'order.create'?",
        "actions.Paid.action: is missing",
        "actions.Paid.outcome: is 'maybe'; must be success, denied, failed, rolled_back",
        "case: is missing",
        "curency: is not known here; did you mean 'currency'?",
    ]


WHO = '{ field = "who", default = "unknown" }'
PLACED = '"Placed" = "order.create"'


@pytest.mark.parametrize(
    ("base", "old", "new", "problem"),
    [
        (CSV_MAPPING, 'currency = "EUR"', "", "currency: is missing, and some values are read as money"),
        (CSV_MAPPING, 'currency = "EUR"', 'currency = "XXX"', "currency: is 'XXX'; must be one of"),
        (CSV_MAPPING, 'format = "csv"', 'format = "xml"', "format: is 'xml'; must be csv, xes, ocel"),
        (CSV_MAPPING, 'log = "shop"', 'log = ""', "log: must not be empty"),
        (CSV_MAPPING, 'log = "shop"', "log = 5", "log: must be text"),
        (
            CSV_MAPPING,
            'log = "shop"',
            'log = "s"\nunmapped = "order.x"',
            "unmapped: 'order.x' is not in the action",
        ),
        (CSV_MAPPING, 'field = "when"', "", "time.field: is missing"),
        (
            CSV_MAPPING,
            'field = "when"',
            'field = "when"\npattern = "dd"',
            "time.pattern: names no part of a time",
        ),
        (
            CSV_MAPPING,
            "[time]",
            '[csv]\ndelimiter = "ab"\n[time]',
            "csv.delimiter: must be one ASCII character",
        ),
        (
            CSV_MAPPING,
            "[time]",
            '[csv]\ncolumns = ["order"]\n[time]',
            "csv.columns: lacks the column 'price'",
        ),
        (CSV_MAPPING, "[time]", '[csv]\ncolumns = ["a", "a"]\n[time]', "csv.columns: names a column twice"),
        (CSV_MAPPING, "[time]", "[ocel]\n[time]", "ocel: is not known here"),
        (CSV_MAPPING, '[activity]\nfield = "what"', "", "activity: is missing"),
        (
            CSV_MAPPING,
            'field = "what"',
            'when = [{ field = "a", activity = "b" }]',
            "activity.when.0: needs exactly one",
        ),
        (CSV_MAPPING, WHO, '{ case = "who" }', "cannot be looked up in a log of"),
        (CSV_MAPPING, WHO, '{ template = "who" }', "template: names no field"),
        (CSV_MAPPING, WHO, '{ field = "who", as = "money" }', "only for the sides"),
        (CSV_MAPPING, WHO, "5", "actor.id: must be text or a table"),
        (CSV_MAPPING, PLACED, '"A b" = { action = "x.y" }', "actions.\"A b\".action: 'x.y'"),
        (CSV_MAPPING, PLACED, '"Placed" = 7', "actions.Placed: must be text or a table"),
        (
            XES_MAPPING,
            '{ case = "concept:name" }',
            '{ object = "x" }',
            "cannot be looked up in a log of format xes",
        ),
        (
            OCEL_MAPPING,
            'members = ["item", "parcel"]',
            'members = ["box"]',
            "ocel.members: 'box' has no kind",
        ),
        (OCEL_MAPPING, 'orders = ["order"]', "", "ocel.orders: is missing"),
        (OCEL_MAPPING, '\nsubject = "order"', '\nsubject = "box"', "subject: 'box' has no kind (ocel.kinds)"),
    ],
)
def test_each_mistake_has_its_sentence(base: str, old: str, new: str, problem: str) -> None:
    """What the log's format cannot follow, and what contradicts itself, is named before any event is read."""
    assert old in base
    found = problems_of(base.replace(old, new, 1))
    assert any(problem in sentence for sentence in found), found


def test_what_is_not_toml_is_said_with_its_place() -> None:
    """Broken TOML and broken UTF-8 name where."""
    assert "is not TOML: " in problems_of("version = ")[0]
    assert "at line 2" in problems_of('version = 1\nlog = ["a" 5]\n')[0]
    with pytest.raises(InputError, match="is not UTF-8 at byte 3"):
        parse_mapping(b"abc\xff")


@given(
    st.dictionaries(
        st.sampled_from(["version", "log", "format", "time", "actor", "actions", "ocel", "csv"]),
        st.sampled_from(["1", '"x"', "[]", "{}", "[1]", "true", "{ id = [] }", "1.5", '["a"]']),
    )
)
def test_no_mapping_breaks_the_reader(table: dict[str, str]) -> None:
    """Whatever the types, the answer is a list of problems and never another error."""
    text = "\n".join(f"{key} = {value}" for key, value in table.items())
    assert problems_of(text)


def test_a_file_is_read_and_a_missing_one_named(tmp_path: Path) -> None:
    """As its bytes are."""
    path = tmp_path / "mine.toml"
    path.write_text(CSV_MAPPING)
    assert load_mapping(path).log == "shop"
    with pytest.raises(InputError, match=r"the mapping .* cannot be read"):
        load_mapping(tmp_path / "none.toml")


def test_a_trail_may_map_to_actions_of_its_own() -> None:
    """The catalogue is handed in, so that a user's words are as good as ours."""
    text = CSV_MAPPING.replace('"order.create"', '"order.gift"')
    catalogue = Catalogue([Action("order.gift", "wrapped")])
    assert parse_mapping(text.encode(), catalogue).actions["Placed"].action == "order.gift"
    assert "'order.gift' is not in the action catalogue" in problems_of(text)[0]


def test_an_activitys_own_rules_stand_on_the_logs(tmp_path: Path) -> None:
    """Actor and context are replaced field by field, changes and links follow."""
    del tmp_path
    text = CSV_MAPPING.replace(
        '"Placed" = "order.create"',
        '"Placed" = { action = "order.create", outcome = "denied", actor = { kind = "service" }, '
        'context = { reason = "x" }, changes = [{ path = "/a", after = "b" }] }',
    ).replace("[actions]", '[context]\nchannel = "web"\n[[changes]]\npath = "/z"\nafter = "z"\n[actions]')
    plan = mapping_of(text).actions["Placed"]
    assert plan.outcome == "denied"
    assert plan.actor["id"].name == "who"
    assert plan.actor["kind"].name == "service"
    assert {key: rule.name for key, rule in plan.context.items()} == {"channel": "web", "reason": "x"}
    assert [change.path for change in plan.changes] == ["/z", "/a"]


def test_the_built_in_mappings_are_seven_and_right() -> None:
    """Each reads without a problem and stays within the catalogue."""
    assert builtin_mappings() == (
        "bpic2019",
        "bpic2020",
        "ocel-order-process",
        "online-retail",
        "order-history",
        "order-management",
        "sap-change-documents",
    )
    for name in builtin_mappings():
        mapping = builtin_mapping(name)
        assert {plan.action for plan in mapping.actions.values()} <= set(CATALOGUE)
    with pytest.raises(InputError, match="there is no built-in mapping 'x'"):
        builtin_mapping("x")
