"""The reference of rules says what the code does, and its catalogue is that of the rules that are shipped.

``python tests/monitor/test_reference.py`` writes the catalogue into the page anew.
"""

import re
from pathlib import Path

from ordertrail.monitor.alerts.alert import MOST_EVIDENCE, Disposition, Status
from ordertrail.monitor.alerts.severity import DUE_SECONDS, LARGE
from ordertrail.monitor.rules.correlation import MOST_LEGS
from ordertrail.monitor.rules.custom import _READERS
from ordertrail.monitor.rules.fields import known_fields
from ordertrail.monitor.rules.lines import DEEPEST, LARGEST
from ordertrail.monitor.rules.patterns import LONGEST_EXPRESSION
from ordertrail.monitor.rules.reading import read_rules
from ordertrail.monitor.rules.rule import DAY, LONGEST_SPAN, MOST_IN_GROUP, Control, Level
from ordertrail.monitor.rules.rulebook import Rulebook, shipped_rules
from ordertrail.monitor.rules.words import asked
from ordertrail.monitor.stream.correlator import MOST_ITEMS

PAGE = Path(__file__).parents[2] / "docs/reference/rules.md"
MARK = "## The shipped rules\n"


def catalogue() -> str:
    """Return the catalogue of the shipped rules as it stands in the page."""
    parts = [MARK]
    for rule in sorted(Rulebook.of(shipped_rules()).loud, key=lambda one: one.about.name):
        about = rule.about
        assert about.control is not None or about.name == "raw_statement"
        control = "" if about.control is None else f" · control: {about.control.value}"
        parts.append(
            f"\n### `{about.name}`\n\n**{about.title}** · {about.level.name.lower()}{control} · {about.status}\n\n"
            f"{about.description} {about.rationale}\n\n"
            f"- Looks for: {asked(rule)}.\n"
            f"- May be nothing: {' '.join(about.false_positives)}\n"
            f"- What to do: {' '.join(about.playbook)}\n"
            f"- Serves: {', '.join(f'`{tag}`' for tag in about.mapping)}\n"
        )
    return "".join(parts)


def test_the_catalogue_is_that_of_the_shipped_rules() -> None:
    """Each rule stands there with its text, what it looks for, what else it may be, what to do, and its controls."""
    text = PAGE.read_text()
    assert text[text.index(MARK) :] == catalogue()


def test_fields_and_what_is_ours_are_all_told() -> None:
    """Every field and every word under custom stands in the page, and none that there is not."""
    text = PAGE.read_text()
    told = re.findall(r"^\| `([^`]+)` \|", text.split("## Fields\n")[1].split("\n## ")[0], re.MULTILINE)
    assert told == known_fields()
    told = re.findall(r"^\| `([^`]+)` \|", text.split("## Ours\n")[1].split("\n## ")[0], re.MULTILINE)
    assert told == list(_READERS)


def test_bounds_are_those_of_the_code() -> None:
    """Numbers that are told are the ones that hold."""
    text = PAGE.read_text()
    for number in (
        LARGEST,
        DEEPEST,
        LONGEST_EXPRESSION,
        LONGEST_SPAN // DAY,
        MOST_LEGS,
        MOST_ITEMS,
        MOST_EVIDENCE,
    ):
        assert f"{number:,}" in text, number
    assert f"{MOST_IN_GROUP:,}" in text
    for level in Level:
        hours = DUE_SECONDS[level] // 3_600
        due = f"{hours} hours" if hours <= 24 else f"{hours // 24} days"
        assert f"| {level.name.lower()} | {due} |" in text
    assert "1,000.00 EUR" in text
    assert LARGE["EUR"] == 100_000
    for word in (*Status, *Disposition, *Control):
        assert f"`{word}`" in text, word


def test_every_rule_that_is_shown_is_one() -> None:
    """What stands in the pages as YAML is read."""
    for name in ("reference/rules.md", "howto/write-a-rule.md"):
        text = (PAGE.parents[1] / name).read_text()
        shown = re.findall(r"```yaml\n(.+?)```", text, re.DOTALL)
        assert shown, name
        for one in shown:
            assert read_rules(one)


if __name__ == "__main__":
    page = PAGE.read_text()
    PAGE.write_text(page[: page.index(MARK)] + catalogue())
