"""The verbs of intake, as a user meets them: files, standard input, a watched directory, letters and their mending."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import ordertrail
from ordertrail.assembly import create_trail
from ordertrail.assembly.intake import operator_key
from ordertrail.cli.letters import app
from ordertrail.kernel.errors import ConfigurationError, InputError
from ordertrail.settings import Settings, SourceSettings

MAPPING = """\
[table]
key = "Order"

[order]
id = "Order"
placed = "Date"
currency = "Currency"

[order.lines]
name = "Item"
ordered = "Quantity"
unit_price = "Price"
"""
ROWS = (
    "Order,Date,Currency,Item,Quantity,Price\n"
    "1001,2026-11-22,EUR,Cup,2,12.00\n"
    "1001,2026-11-22,EUR,Tea,1,7.50\n"
    "1002,2026-11-22,EUR,Cup,1,12.00\n"
)

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A directory with a trail whose intake has a source of tables."""
    source = SourceSettings(channel="csv", account="main", options={"mapping_file": "mapping.toml"})
    create_trail(
        tmp_path / "trail", "shop.example/orders", settings=Settings(immutable=False, sources=[source])
    ).close()
    (tmp_path / "trail" / "mapping.toml").write_text(MAPPING)
    return tmp_path


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a verb; what it said as JSON."""
    monkeypatch.chdir(home)

    def run_it(*words: str, stdin: bytes = b"", expect: int = 0) -> dict[str, Any]:
        done = CliRunner().invoke(app, [*words, "--json"], input=stdin)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == expect, done.output
        told: dict[str, Any] = json.loads(done.stdout) if done.stdout.strip() else {}
        return told

    return run_it


SOURCE = ("--channel", "csv", "--account", "main")


def test_a_file_is_taken_in_and_is_in_the_trail(run: Run, home: Path) -> None:
    """Landed, accepted, relayed; a second time it is a duplicate, and read anew where that is asked for."""
    (home / "orders.csv").write_text(ROWS)
    told = run("orders.csv", *SOURCE)
    assert (told["received"], told["messages"]) == ({"landed": 1}, {"accepted": 2})
    assert told["events_relayed"] > 2
    assert run("orders.csv", *SOURCE)["received"] == {"duplicate": 1}
    assert run("orders.csv", *SOURCE, "--again")["messages"] == {"duplicate": 2}
    with ordertrail.open(home / "trail") as trail:
        trail.seal()
        actions = [one.entry.event.action for one in trail.history("csv:main:1001")]
    assert "order.create" in actions


def test_standard_input_and_directories_are_taken_in(run: Run, home: Path) -> None:
    """A dash is what is piped in; a directory is all its files."""
    assert run("-", *SOURCE, stdin=ROWS.encode())["messages"] == {"accepted": 2}
    for number in range(3):
        folder = home / "in" / str(number)
        folder.mkdir(parents=True)
        (folder / "orders.csv").write_text(ROWS.replace("100", f"20{number}"))
    assert run("in", *SOURCE)["messages"] == {"accepted": 6}


def test_dropped_files_are_moved_when_they_rest(run: Run, home: Path) -> None:
    """To done/ or failed/; what is still being uploaded stays."""
    drop = home / "drop"
    drop.mkdir()
    (drop / "good.csv").write_text(ROWS)
    (drop / "bad.csv").write_text("no,such,columns\n1,2,3\n")
    (drop / "coming.csv.part").write_text("Ord")
    run("watch", "drop", *SOURCE, "--once", "--rest", "3600")
    assert {one.name for one in drop.iterdir()} == {"good.csv", "bad.csv", "coming.csv.part"}
    CliRunner().invoke(app, ["watch", "drop", *SOURCE, "--once", "--rest", "0", "--json"])
    assert (drop / "done" / "good.csv").exists()
    assert (drop / "failed" / "bad.csv").exists()
    assert (drop / "coming.csv.part").exists()


def test_what_could_not_enter_is_shown_mended_and_rejected(run: Run, home: Path) -> None:
    """Listed by impact, shown with its bytes, given back with a fix, and then it is in."""
    (home / "orders.csv").write_text(ROWS.replace("Price\n", "Prize\n"))
    assert run("orders.csv", *SOURCE, expect=2)["messages"] == {"dead": 1}
    (letter,) = run("list")["letters"]
    assert letter["faults"][0]["code"] == "missing"
    shown = run("show", letter["message"])
    assert shown["original"].startswith("Order,Date")
    assert run("list", "--by-cause")["causes"] == [
        {"source": "csv/main", "cause": letter["cause"], "letters": 1}
    ]
    by = ("--by", "clerk-17", "--reason", "a typing error")
    fix = ("--old", "Prize", "--new", "Price", "--cause", letter["cause"])
    assert run("replay", *by, *fix, "--dry-run")["fitting"] == 1
    assert run("replay", *by, *fix)["given_back"] == 1
    assert run("work")["messages"] == {"accepted": 2}
    (home / "other.csv").write_text("x\n")
    run("other.csv", *SOURCE, expect=2)
    (letter,) = run("list")["letters"]
    assert run("reject", letter["message"], *by) == {"discarded": 1}
    assert run("list")["letters"] == []
    assert run("health")["sources"][0]["standing"] == "live"


def test_a_source_is_held_to_what_it_says_it_sent(run: Run, home: Path) -> None:
    """Nothing is missing where the count is right; else it is said, here and by health, until a later word."""
    (home / "orders.csv").write_text(ROWS)
    run("orders.csv", *SOURCE)
    day = ("declare", *SOURCE, "--begin", "2000-01-01", "--end", "2100-01-01T00:00:00+02:00")
    assert run(*day, "--orders", "2")["missing"] is None
    told = run(*day, "--orders", "3", expect=2)
    assert (told["declared"], told["here"]) == (3, 2)
    assert told["missing"].startswith("It says that it sent 3 orders")
    assert run("health", expect=2)["sources"][0]["reason"] == told["missing"]
    assert run(*day, "--orders", "2", "--total", "99999.00 EUR", expect=2)["missing"].count("99,999.00") <= 1
    assert run(*day, "--orders", "2")["missing"] is None


@pytest.mark.parametrize(
    ("begin", "end", "total"),
    [
        ("2026-11-23", "2026-11-22", "1.00 EUR"),
        ("soon", "2026-11-22", "1.00 EUR"),
        ("2026-11-22", "2026-11-23", "9"),
        ("2026-11-22", "2026-11-23", "x EUR"),
    ],
)
def test_a_declaration_that_says_nothing_is_refused(home: Path, begin: str, end: str, total: str) -> None:
    """A time that ends before it begins or is none; an amount that is none, or has no currency."""
    del home
    said = ("--begin", begin, "--end", end, "--orders", "1", "--total", total)
    done = CliRunner().invoke(app, ["declare", *SOURCE, *said])
    assert isinstance(done.exception, InputError)


def test_the_operators_key_cannot_be_short(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From its file or from the environment; a key that could be guessed is refused."""
    trail = home / "trail"
    assert operator_key(trail) is None
    monkeypatch.setenv("ORDERTRAIL_INTAKE_OPERATOR_KEY", "a key that nobody guesses")
    assert operator_key(trail) == b"a key that nobody guesses"
    monkeypatch.setenv("ORDERTRAIL_INTAKE_OPERATOR_KEY", "short")
    with pytest.raises(ConfigurationError, match="fewer than 16"):
        operator_key(trail)
