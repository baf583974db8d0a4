"""The reference of access says what there is, and nothing that there is not."""

import re
from pathlib import Path

from ordertrail.access.key import new_key
from ordertrail.access.roles import ALLOWS, BEHIND_GLASS, NOT_BY_KEY, PURPOSE, SEPARATED
from ordertrail.access.rules import Rules
from ordertrail.access.throttle import buckets
from ordertrail.access.verbs import Verb
from ordertrail.record.actions import CATALOGUE

TEXT = (Path(__file__).parents[2] / "docs/reference/access.md").read_text()
_NAMES = re.compile(r"`([a-z._-]+)`")


def _section(heading: str) -> str:
    return TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def _rows(heading: str) -> list[list[str]]:
    lines = [line for line in _section(heading).split("\n") if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_verb_and_role_is_there_as_it_is() -> None:
    """Whoever reads the matrix reads what is checked."""
    assert [row[0].strip("`") for row in _rows("Verbs")] == [verb.value for verb in Verb]
    told = {row[0].strip("`"): (row[1], set(_NAMES.findall(row[2]))) for row in _rows("Roles")}
    assert told == {role.value: (PURPOSE[role], {verb.value for verb in ALLOWS[role]}) for role in ALLOWS}


def test_every_separation_is_there_as_it_is() -> None:
    """Both verbs, whether they are refused, and why."""
    told = [
        (*(cell.strip("`") for cell in row[:2]), *row[2:])
        for row in _rows("What must not meet in one person")
    ]
    assert told == [(one.one, one.other, one.weight, one.why) for one in SEPARATED]


def test_what_keys_and_glasses_give_is_there_as_it_is() -> None:
    """No key is said to do what none can, and no glass to give what none does."""
    assert {verb.value for verb in NOT_BY_KEY} <= set(_NAMES.findall(_section("API keys")))
    assert set(_NAMES.findall(_section("Breaking the glass"))) == {verb.value for verb in BEHIND_GLASS} | {
        "glass.break"
    }
    name, text = new_key()
    assert (len(name), len(text)) == (12, len("ot__") + 12 + 43)


def test_the_figures_are_the_defaults() -> None:
    """Times of sessions and of waits."""
    rules, tried = Rules(), buckets("ana", "203.0.113.7")
    assert f"{rules.idle.seconds // 60} minutes after the last request" in TEXT
    assert f"{rules.longest.seconds // 3600} hours after signing in" in TEXT
    assert [f"| {one.free} |" in _section("Guessing") for one in tried.all] == [True] * 3
    assert {one.longest.seconds for one in tried.all} == {15 * 60}


def test_every_action_of_access_is_there() -> None:
    """And each is in the catalogue."""
    told = set(_NAMES.findall(_section("Events")))
    assert told == {name for name in CATALOGUE if name.startswith("access.")}
