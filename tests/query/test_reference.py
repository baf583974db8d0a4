"""The reference of filters says what the grammar does."""

import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from ordertrail.query.filters.fields import FIELDS
from ordertrail.query.filters.grammar import LONGEST, MOST, parse_filter
from ordertrail.query.projection import LONGEST as LONGEST_TEXT
from ordertrail.query.standing import VALUE_PATHS

TEXT = (Path(__file__).parents[2] / "docs/reference/filters.md").read_text()
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def section(title: str) -> str:
    """Return what stands below a heading."""
    return TEXT.split(f"## {title}\n")[1].split("\n## ")[0]


def rows(title: str) -> list[tuple[str, str]]:
    """Return the rows of a section's table."""
    return re.findall(r"^\| (`.+?) \| (.+?) \|$", section(title), re.MULTILINE)


def test_every_field_is_told_with_its_own_words() -> None:
    """The table of fields is FIELDS."""
    assert rows("Fields") == [(f"`{name}`", field.about) for name, field in FIELDS.items()]


def test_every_term_that_is_shown_is_one() -> None:
    """What stands in the tables and in the first example is read."""
    shown = re.findall(r"```text\n(.+)\n```", TEXT)
    for title in ("Flags", "Changes", "Orders", "Times", "Examples"):
        shown += [term for cell, _ in rows(title) for term in re.findall(r"`([^`]+)`", cell)]
    assert len(shown) > 25
    for text in shown:
        assert parse_filter(text, NOW, ZoneInfo("UTC")).terms


def test_examples_are_told_as_they_are() -> None:
    """The sentences are those of the filters."""
    for filter_, sentence in rows("Examples"):
        assert parse_filter(filter_.strip("`"), NOW, ZoneInfo("UTC")).sentence() == sentence


def test_bounds_and_places_are_those_of_the_code() -> None:
    """Numbers that are told are the ones that hold."""
    assert f"at most {LONGEST:,} characters and {MOST} terms" in TEXT
    assert f"first {LONGEST_TEXT} characters" in TEXT
    assert all(f"`{path}`" in section("Orders") for path in VALUE_PATHS)
