"""Rules are read strictly: what cannot be watched is refused, with its line and the reason."""

import re
from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.kernel.errors import InputError
from ordertrail.monitor.rules.reading import read_rules
from ordertrail.monitor.rules.rule import Correlation, Detection, Kind, version
from ordertrail.monitor.rules.rulebook import Rulebook, shipped_rules
from shared_data import shared

RULE = """title: Price lowered
name: lowered
logsource:
  product: ordertrail
detection:
  lowered:
    action: order.price.change
    {item}
  condition: {condition}
"""
COUNT = """title: Many
name: many
correlation:
  type: {type}
  rules: [lowered]
  group-by: [{group}]
  timespan: {span}
  condition: {condition}
"""


def detection(item: str = "outcome: success", condition: str = "lowered") -> str:
    """Return a rule about one event, in YAML."""
    return RULE.format(item=item, condition=condition)


def counting(
    kind: str = "event_count", group: str = "actor", span: str = "1h", condition: str = "{gte: 3}"
) -> str:
    """Return a correlation, in YAML."""
    return COUNT.format(type=kind, group=group, span=span, condition=condition)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (detection("unknown_field: 1"), 8, "there is no field 'unknown_field'"),
        (detection("state: cancelled"), 8, "where an order stands now"),
        (detection("actor|re: '('"), 8, "missing"),
        (detection("actor|re: '(?=x)a'"), 8, "invalid|no regular expression"),
        (detection("actor|re: '(a+)+$'"), 8, "catastrophic"),
        (detection("actor|re: '(a|a)*b'"), 8, "catastrophic"),
        (detection("actor|re: '([a-z]+)*'"), 8, "catastrophic"),
        (detection("actor|re: '(x{1000}){1000}'"), 8, "no regular expression|invalid"),
        (detection("actor|nonsense: a"), 8, "nonsense"),
        (detection("actor|gt: 5"), 8, "holds texts"),
        (detection("ip|cidr: 10.0.0.0/99"), 8, "10.0.0.0/99"),
        (detection("after.total.EUR|gte: 10.5"), 8, "minor units are whole"),
        (detection("filter: 'colour:red'"), 8, "there is no field 'colour'"),
        (detection("filter: 'value:>5EUR'"), 8, "stands now"),
        (detection("filter: 'when:today'"), 8, "a rule looks at events as they come"),
        (detection("actor: '%admins%'").replace("actor:", "actor|expand:"), 8, "nobody says"),
        (detection("action: twice"), 8, "stands there twice"),
        (detection("actor: [a, b"), 9, "not YAML"),
        (detection(condition="nothing"), 9, "nothing"),
        (detection(condition="lowered and"), 9, "condition|expected|Expected"),
        (detection().replace("product: ordertrail", "product: windows"), 3, "about windows"),
        (detection().replace("title: Price lowered", "level: strange\ntitle: x"), 1, "strange|level"),
        (detection() + "custom: {unknown: 1}\n", 10, "is not known"),
        (detection() + "custom:\n  control: weather\n", 11, "is one of pricing"),
        (detection() + "custom: {alert-every: 200d}\n", 10, "longer than 92 days"),
        (detection() + "custom: {alert-by: [role]}\n", 10, "several values"),
        (detection() + "custom: {outside-hours: {zone: Mars, from: '07:00', until: '08:00'}}\n", 10, "Mars"),
        (detection("a: &x [1]\n    b: *x"), 8, "anchor"),
        ("a: " + "[" * 50 + "]" * 50, 1, "nested more than"),
        (detection(condition="(" * 30 + "lowered" + ")" * 30), 9, "brackets"),
        (detection(condition="lowered or " * 500 + "lowered"), 9, "longer than"),
        (detection('actor: "\\ud800"'), 8, "no text of an event|not YAML"),
        (detection(f"after.total.EUR|gte: {'9' * 40}"), 8, "larger than"),
        (detection("after.total.EUR|gte: 0x" + "f" * 6_000), 5, "invalid number"),
        ("- just\n- a list\n", 1, "is a mapping"),
        ("", 1, "has no rule"),
        (counting(span="1000d"), 7, "window without a bound"),
        (counting(span="1y"), 7, "window without a bound"),
        (counting(span="soon"), 7, "soon"),
        (re.sub("  timespan.*\n", "", counting()), 3, "timespan"),
        (counting(group="role"), 6, "several values"),
        (counting(group="ComputerName"), 6, "there is no field 'ComputerName'"),
        (counting(kind="value_percentile", condition="{field: order, gte: 3}"), 4, "not watched here"),
        (counting(kind="value_count"), 3, "without field reference"),
        (
            counting(kind="value_count", condition="{field: nothing, gte: 3}"),
            8,
            "there is no field 'nothing'",
        ),
        (counting(kind="value_sum", condition="{field: actor, gte: 3}"), 8, "sums are of"),
        (counting(condition="{gte: 100000}"), 8, "counts 1 to"),
        (counting(condition="{more: 3}"), 8, "condition"),
        (
            counting(kind="temporal", condition="lowered or not lowered"),
            5,
            "different rules|nothing happened",
        ),
        (
            "title: x\nfilter: {rules: [a]}\nlogsource: {product: ordertrail}\n",
            2,
            "a filter over other rules",
        ),
        ("action: global\ntitle: x\n", 1, "acts on others"),
    ],
)
def test_a_bad_rule_is_refused_with_line_and_reason(text: str, line: int, reason: str) -> None:
    """Whoever wrote it is told where to look, and why."""
    with pytest.raises(InputError) as caught:
        read_rules(text)
    told = [problem.message for problem in caught.value.problems]
    assert any(re.search(reason, one) for one in told), told
    assert any(one.endswith(f"(line {line})") for one in told), told


def test_all_that_is_wrong_is_told_at_once() -> None:
    """Of two files' worth of mistakes in one, none hides the other."""
    with pytest.raises(InputError) as caught:
        read_rules(f"{detection('one: 1')}---\n{detection('two: 2')}")
    assert [problem.message[-9:] for problem in caught.value.problems] == ["(line 8)", "(line 18)"] or [
        re.findall(r"line (\d+)", problem.message)[0] for problem in caught.value.problems
    ] == ["8", "18"]


@given(st.text(max_size=200) | st.text(alphabet="ab: -[]{}\n|'\"*&#%", max_size=120))
def test_any_text_is_rules_or_is_refused(text: str) -> None:
    """Nothing but InputError comes of a text."""
    try:
        found = read_rules(text)
    except InputError as error:
        assert error.problems  # noqa: PT017 - it says why
        return
    assert found


def test_sigma_rules_of_others_are_read_or_refused_with_the_reason() -> None:
    """The specification's examples and SigmaHQ's rules: each refusal names a line and what it is about.

    They are about other products, so that none can be in force here; what says so are the log source and fields. All
    but those of syntax that Sigma 2 itself does not know pass pySigma.
    """
    reasons: Counter[str] = Counter()
    files = sorted(shared("vectors/sigma").rglob("*.yml"))
    assert len(files) > 400
    for file in files:
        try:
            read_rules(file.read_text(encoding="utf-8"))
        except InputError as error:
            for problem in error.problems:
                assert re.search(r"\(line \d+\)$", problem.message), (file.name, problem)
                reasons[_kind(problem.message)] += 1
        else:
            reasons["read"] += 1
    assert reasons["log source"] > 400
    assert reasons["other"] <= 10, reasons


def _kind(message: str) -> str:
    kinds = {
        "rules here are of product": "log source",
        "there is no field": "field",
        "not watched here": "correlation",
        "holds texts": "number",
        "a filter over other rules": "filter",
        "catastrophic": "regular expression",
    }
    return next((kind for words, kind in kinds.items() if words in message), "other")


def test_sigma_rules_of_others_are_read_once_they_speak_of_events_here() -> None:
    """With the log source and the fields exchanged for ours, nine of ten of SigmaHQ's rules are watched as they are."""
    read, refused = 0, Counter[str]()
    for file in sorted(shared("vectors/sigma/rules").rglob("*.yml")):
        try:
            read_rules(_at_home(file.read_text(encoding="utf-8")))
            read += 1
        except InputError as error:
            refused[error.problems[0].message[:60]] += 1
    assert read > 9 * sum(refused.values()), refused


def _at_home(text: str) -> str:
    import yaml

    content = yaml.safe_load(text)
    content["logsource"] = {"product": "ordertrail"}
    content["detection"] = {
        name: told if name == "condition" else _renamed(told) for name, told in content["detection"].items()
    }
    content.pop("date", None)
    content.pop("modified", None)
    return yaml.safe_dump(content)


def _renamed(told: object) -> object:
    if isinstance(told, list):
        return [_renamed(one) for one in told]
    if not isinstance(told, dict):
        return told
    return {
        f"after.{name.split('|')[0].replace('.', '_')}{''.join(name.partition('|')[1:])}": value
        for name, value in told.items()
    }


def test_a_rule_knows_what_it_looks_for_and_nothing_else() -> None:
    """Words may change, and a rule keeps its version and what it has seen; what it asks may not."""
    (one,) = read_rules(detection())
    (words,) = read_rules(detection().replace("Price lowered", "A price was lowered"))
    (other,) = read_rules(detection("outcome: denied"))
    assert version(one, {}) == version(words, {}) != version(other, {})


def test_a_correlation_stands_with_what_it_asks() -> None:
    """Legs are silent unless they are to speak; what asks what is not there, or itself, is refused."""
    book = Rulebook.of(read_rules(f"{detection()}---\n{counting()}"))
    assert [rule.about.name for rule in book.loud] == ["many"]
    speaking = counting().replace("  type:", "  generate: true\n  type:")
    assert len(Rulebook.of(read_rules(f"{detection()}---\n{speaking}")).loud) == 2
    with pytest.raises(InputError, match="which is not there"):
        Rulebook.of(read_rules(counting()))
    with pytest.raises(InputError, match="two rules"):
        Rulebook.of(read_rules(f"{detection()}---\n{detection()}"))
    itself = counting().replace("rules: [lowered]", "rules: [many]")
    with pytest.raises(InputError, match="asks itself"):
        Rulebook.of(read_rules(itself))


def test_a_rule_that_would_answer_itself_is_refused() -> None:
    """An alert is an event; a rule about all of them would never end."""
    text = detection().replace("order.price.change", "alert.raise").replace("    outcome: success\n", "")
    with pytest.raises(InputError, match="answer itself"):
        Rulebook.of(read_rules(text))


def test_first_and_hours_and_filters_are_ours() -> None:
    """What Sigma has no word for stands under custom, and is read."""
    custom = (
        "custom:\n  filter: 'lowered:unit_price>20%'\n"
        "  first: {field: network, by: [actor], timespan: 30d, after: 5}\n"
    )
    seen, first = read_rules(detection() + custom)
    assert isinstance(seen, Detection)
    assert isinstance(first, Correlation)
    assert (first.kind, first.waits) == (Kind.FIRST, True)


def test_shipped_rules_are_whole() -> None:
    """Each rule that raises alerts says what, why, what else it may be, what to do, and which control it serves."""
    book = Rulebook.of(shipped_rules())
    assert len(book.loud) >= 30
    for rule in book.loud:
        about = rule.about
        assert UUID(about.id).version == 4, about.name
        assert about.description.endswith("."), about.name
        assert about.rationale.endswith("."), about.name
        assert about.false_positives, about.name
        assert about.playbook, about.name
        spaces = {tag.split(".")[0] for tag in about.mapping}
        assert spaces <= {"attack", "sox", "pci-dss", "iso27001", "gdpr"}, about.name
        assert "attack" in spaces, about.name
        assert len(spaces) > 1, about.name
