"""What led to an event, kept in a case: its events with their proofs, and the account, in bundle and report too."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from correlate.incidents import INCIDENTS, Incident
from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.evidence import open_desk
from ordertrail.assembly.index import open_query
from ordertrail.cli.why import why
from ordertrail.evidence import layout
from ordertrail.evidence.accounts import (
    Account,
    Root,
    Step,
    Told,
    account_of,
    format_account,
    lines,
    parse_account,
)
from ordertrail.evidence.cases import Act, ActKind, apply
from ordertrail.evidence.checking import check_bundle
from ordertrail.evidence.desk import Desk
from ordertrail.kernel.errors import InputError
from ordertrail.ledger.vkey import parse_vkey
from ordertrail.query.entries import read_entry
from ordertrail.query.reconstruction.asking import of_event, reconstruct
from ordertrail.record.event import Actor
from ordertrail.services import Trail
from ordertrail.settings import Settings

ADA = Actor("ada", "person")
APP = typer.Typer()
APP.command("why")(why)


@dataclass
class Scene:
    """An incident in a trail, and what was told of it."""

    root: Path
    incident: Incident
    trail: Trail
    desk: Desk
    account: Account


@contextmanager
def told(root: Path) -> Iterator[Scene]:
    """Record an incident, and ask what led to it."""
    incident = INCIDENTS[2](11)
    with create_trail(root, "shop.example/log", settings=Settings(immutable=False)) as trail:
        trail.record(incident.events)
        trail.seal()
        with open_query(root) as query:
            query.feed()
            asked = of_event(query.searches, incident.asked)
            account = account_of(reconstruct(query.searches, query.read, asked))
        with open_desk(root, trail) as desk:
            yield Scene(root, incident, trail, desk, account)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """The incident, made anew."""
    with told(tmp_path / "trail") as found:
        yield found


def test_an_account_is_kept_with_its_events_and_on_record(scene: Scene) -> None:
    """Its events are in the basket with proofs, each once; the act is an event that holds the account."""
    case = scene.desk.open_case("the price that fell", ADA).id
    scene.desk.add(case, scene.incident.asked, ADA)
    kept = scene.desk.add_account(case, scene.account, ADA)
    assert {item.event for item in kept.basket} == set(scene.account.events)
    assert scene.incident.root in scene.account.events
    (one,) = kept.accounts
    assert (one.account, one.by) == (scene.account, "ada")
    scene.trail.seal()
    with open_query(scene.root) as query:
        rows = query.log.rows("default", 0, query.log.size("default"))
        events = [read_entry("default", row).event for row in rows]
    (act,) = [event for event in events if event.id == one.event]
    assert (act.action, act.subject.id, act.actor.id) == ("case.add", case, "ada")
    assert act.context is None or act.context.reason is None
    said: dict[str, Any] = {change.path: change.after for change in act.changes}
    assert said["/account"]["asked"]["event"] == scene.incident.asked
    assert [step["told"]["event"] for step in said["/account"]["steps"]] == [
        step.told.event for step in scene.account.steps
    ]


def test_the_bundle_and_its_report_carry_the_account(scene: Scene) -> None:
    """Right after it was kept, a bundle proves the event that keeps it, and the report tells it in words."""
    case = scene.desk.open_case("the price that fell", ADA).id
    kept = scene.desk.add_account(case, scene.account, ADA)
    bundle = scene.desk.make_of_case(case, ADA, "the auditor asked")
    periods = scene.trail.keys()
    keys = [parse_vkey(period.vkey) for period in periods]
    checked = check_bundle(bundle.data, keys, None)
    assert kept.accounts[0].event in {carried.entry.event.id for carried in checked.entries}
    with ZipFile(BytesIO(bundle.data)) as archive:
        report = scene.root / "report.pdf"
        report.write_bytes(archive.read(layout.REPORT))
    text = subprocess.run(
        ["pdftotext", "-layout", report, "-"], capture_output=True, text=True, check=True
    ).stdout
    words = " ".join(text.split())
    assert f"What led to {scene.account.asked.action} of {scene.account.asked.subject}" in words
    assert "Possible root 1" in words
    assert scene.account.roots[0].told.event in words
    assert " ".join(scene.account.roots[0].reasons[0].split()) in words
    inferred = [step for step in scene.account.steps if not step.certain]
    assert words.count("INFERRED") >= len(inferred)


def test_an_account_goes_into_an_open_case_alone(scene: Scene) -> None:
    """What is under review, signed or closed takes no more evidence; who put it there has prepared the case."""
    case = scene.desk.open_case("the price that fell", ADA).id
    scene.desk.add_account(case, scene.account, ADA)
    scene.desk.act(case, ActKind.SUBMIT, ADA)
    with pytest.raises(InputError, match="open case"):
        scene.desk.add_account(case, scene.account, ADA)
    with pytest.raises(InputError, match="cannot sign"):
        scene.desk.act(case, ActKind.SIGN, ADA)
    with pytest.raises(InputError, match="way of its own"):
        scene.desk.act(case, ActKind.ACCOUNT, ADA, "{}")
    opened = Act("c", 1, ActKind.OPEN, "ada", "2026-11-22T00:00:00Z", "e", text="t", template="blank")
    with pytest.raises(InputError, match="keeps no account"):
        apply(
            apply(None, opened), Act("c", 2, ActKind.ACCOUNT, "ada", "2026-11-22T00:00:00Z", "f", text="{}")
        )


def test_kept_at_the_command_line(scene: Scene) -> None:
    """``why … --case`` tells what it tells anyway, and says what the case has now."""
    case = scene.desk.open_case("the price that fell", ADA).id
    place = ["--trail", str(scene.root)]
    run = CliRunner().invoke(APP, [scene.incident.asked, "--case", case, "--by", "ada", *place])
    assert run.exit_code == 0, run.output
    plain = CliRunner().invoke(APP, [scene.incident.asked, *place]).output
    assert run.output.startswith(plain)
    assert f"Kept in case {case}; its basket has {len(scene.account.events)} events." in run.output
    found = scene.desk.case(case)
    assert [one.by for one in found.accounts] == ["ada"]
    again = CliRunner().invoke(APP, [scene.incident.asked, "--case", case, "--by", "bo", "--json", *place])
    assert json.loads(again.output)["case"] == case
    assert len(scene.desk.case(case).accounts) == 2
    with open_trail(scene.root) as trail:
        assert trail.verify().intact
    missing = CliRunner().invoke(APP, [scene.incident.asked, "--case", "no-such-case", *place])
    assert isinstance(missing.exception, InputError)


TOLD = st.builds(Told, st.text(), st.text(), st.text(), st.text(), st.text())
ACCOUNTS = st.builds(
    Account,
    TOLD,
    st.lists(st.builds(Step, TOLD, st.text(), st.booleans(), st.text(), st.text()), max_size=4).map(tuple),
    st.lists(
        st.builds(
            Root,
            TOLD,
            st.integers(0, 10_000),
            st.booleans(),
            st.lists(st.text(), max_size=3).map(tuple),
            st.lists(st.text(), max_size=3).map(tuple),
        ),
        max_size=4,
    ).map(tuple),
    st.booleans(),
)


@given(ACCOUNTS)
def test_an_account_is_read_back_as_it_was_written(account: Account) -> None:
    """Any account survives being kept; what is inferred is marked in its text, and each event is named once."""
    assert parse_account(format_account(account)) == account
    marked = [line for line in lines(account) if line.startswith("? ")]
    assert len(marked) >= sum(not step.certain for step in account.steps)
    assert len(set(account.events)) == len(account.events)
    assert account.events[-1] == account.asked.event
    assert account.sentence.endswith(".")
