"""A trail in a directory is indexed and asked, by programs and at the command line."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from ordertrail.assembly import create_trail
from ordertrail.assembly.index import INDEX, open_query
from ordertrail.cli import index as index_verbs
from ordertrail.cli.search import facts, search
from ordertrail.kernel.errors import ConfigurationError, InputError
from ordertrail.query.questions.orders import order_history
from ordertrail.query.questions.search import search as find_page
from ordertrail.settings import Settings
from ordertrail.testing.story import order_story

STORY = list(order_story())
RUNNER = CliRunner()
APP = typer.Typer()
APP.command("search")(search)
APP.command("facts")(facts)
APP.add_typer(index_verbs.app, name="index")


@pytest.fixture(scope="module")
def story_trail(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trail that holds the story."""
    root = tmp_path_factory.mktemp("home") / "trail"
    with create_trail(root, "shop.example/log", settings=Settings(immutable=False)) as trail:
        list(trail.record_lines(("story", line) for line in STORY))
        trail.seal()
    return root


@pytest.fixture
def trail(story_trail: Path, tmp_path: Path) -> Path:
    """A copy of it, without an index."""
    shutil.copytree(story_trail, tmp_path / "trail")
    (tmp_path / "trail" / INDEX).unlink(missing_ok=True)
    return tmp_path / "trail"


def run_json(trail: Path, *arguments: str) -> dict[str, Any]:
    """Run a verb with --json; what it said."""
    done = RUNNER.invoke(APP, [*arguments, "--trail", str(trail), "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def run(trail: Path, *arguments: str) -> str:
    """Run a verb; what it said to a person."""
    done = RUNNER.invoke(APP, [*arguments, "--trail", str(trail)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_an_index_goes_on_after_more_was_sealed(trail: Path) -> None:
    """The lag is told until it is fed; rebuilt, it answers the same."""
    with open_query(trail) as query:
        assert query.answer(lambda: None).lag.events == len(STORY)
        assert query.feed() == len(STORY)
        before = find_page(query.searches, query.parse("is:sensitive"), limit=1_000)
        assert query.answer(lambda: None).lag.events == 0
        assert query.rebuild() == len(STORY)
        assert find_page(query.searches, query.parse("is:sensitive"), limit=1_000) == before
        hit = before.hits[0]
        assert query.read(hit).event.id == hit.event.id
        order = hit.event.order
        assert order is not None
        numbers = [one.place.number for one in order_history(query.orders, order)]
        assert numbers == list(range(1, len(numbers) + 1))


def test_an_index_is_not_made_where_there_is_no_trail(tmp_path: Path) -> None:
    """Somebody's empty folder stays empty."""
    with pytest.raises(ConfigurationError, match="no trail"), open_query(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_search_at_the_command_line(trail: Path) -> None:
    """It indexes what was sealed, tells the filter in words, and leads from page to page."""
    cancelled = "actor:p.novak action:order.cancel"
    first = run_json(trail, "search", cancelled, "--limit", "3")
    assert first["sentence"] == "Events by p.novak, of the kind order.cancel"
    assert first["lag"] == {"events": 0, "milliseconds": 0}
    assert len(first["events"]) == 3
    assert all("cancelled" in event["sentence"] for event in first["events"])
    more = run_json(trail, "search", cancelled, "--after", first["older"], "--limit", "100")
    ids = [event["id"] for event in first["events"] + more["events"]]
    assert more["older"] is None
    assert (
        len(ids) == len(set(ids)) == sum(b'"order.cancel"' in line and b"p.novak" in line for line in STORY)
    )
    back = run_json(
        trail,
        "search",
        "--after",
        more["newer"],
        "--newer",
        "--limit",
        "1",
        "actor:p.novak action:order.cancel",
    )
    assert back["events"][0]["id"] == first["events"][-1]["id"]
    told = run(trail, "search", "customer called", "--zone", "Europe/Berlin", "--limit", "2")
    assert "happened (Europe/Berlin)" in told
    assert "customer called" in told


def test_facts_and_index_at_the_command_line(trail: Path) -> None:
    """What was asked as it is says how far it is behind; built, it is not; facts count all."""
    assert run_json(trail, "search", "--as-it-is")["lag"]["events"] == len(STORY)
    assert run_json(trail, "index", "build")["indexed"] == len(STORY)
    assert run_json(trail, "index", "build", "--anew")["indexed"] == len(STORY)
    assert run_json(trail, "index", "status")["streams"] == [
        {"stream": "default", "indexed": len(STORY), "sealed": len(STORY)}
    ]
    assert "Indexed 0 entries" in run(trail, "index", "build")
    assert "sealed" in run(trail, "index", "status")
    told = run_json(trail, "facts", "action:order.cancel", "--by", "actor,outcome")["facts"]
    assert told[0]["actor"] == "p.novak"
    assert sum(fact["events"] for fact in told) == sum(b'"action":"order.cancel"' in line for line in STORY)
    assert "on days" in run(trail, "facts")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["search", "colour:red"], "no field 'colour'"),
        (["search", "--zone", "Mars/Olympus"], "no time zone"),
        (["search", "--zone", "../../etc/passwd"], "no time zone"),
        (["search", "--after", "x"], "no place between pages"),
        (["facts", "--by", "colour"], "--by is some of"),
    ],
)
def test_what_cannot_be_asked_is_named(trail: Path, arguments: list[str], problem: str) -> None:
    """Nothing is searched, and it is said what is wrong."""
    with pytest.raises(InputError, match=problem):
        RUNNER.invoke(APP, [*arguments, "--trail", str(trail)], catch_exceptions=False)
