"""A rule that one person saved is in force once another approved it, and no other way, where that is asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ordertrail.access.administration import Wanted
from ordertrail.access.principal import Scope
from ordertrail.access.roles import Role
from ordertrail.access.service import local_principal
from ordertrail.access.telling import Where
from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.access import open_access
from ordertrail.assembly.monitor import open_monitor
from ordertrail.kernel.errors import InputError
from ordertrail.monitor.governance import GOVERNANCE, GovernanceRefusedError
from ordertrail.monitor.service import Monitor
from ordertrail.record.event import Actor
from ordertrail.settings import Settings, format_settings
from ordertrail.settings.actions import GovernanceSettings

ANNA = Actor("anna", "person")
BEN = Actor("ben", "person")
HERE = Where(channel="tests")

RULE = """
title: Anything cancelled
id: 6f1a1b5e-0f4b-4d0e-9a51-6f7264657274
name: anything_cancelled
level: {level}
description: An order was cancelled.
logsource: {{product: ordertrail}}
detection:
  chosen: {{action: order.cancel}}
  condition: chosen
"""
LOW, HIGH = RULE.format(level="low"), RULE.format(level="high")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A trail whose rules take two people."""
    return trail_with(tmp_path, "required")


def trail_with(tmp_path: Path, rules: str) -> Path:
    """Make a trail with a choice about rules."""
    place = tmp_path / "trail"
    settings = Settings(immutable=False, governance=GovernanceSettings.model_validate({"rules": rules}))
    create_trail(place, "shop.example/log", settings=settings).close()
    assert f'rules = "{rules}"' in format_settings(settings) or rules == "auto"
    return place


@contextmanager
def monitor_of(root: Path) -> Iterator[Monitor]:
    """Open the watch."""
    with open_monitor(root) as monitor:
        yield monitor


def level(root: Path) -> str | None:
    """Return the level of the rule that is in force; None where none is."""
    with monitor_of(root) as monitor:
        found = {rule.about.name: rule for rule in monitor.rules()}.get("anything_cancelled")
    return None if found is None else found.about.level.name


def test_a_rule_is_in_force_once_another_person_approved_it(root: Path) -> None:
    """Saved: it waits. Approved by another: in force. Changed: what was approved stays in force until that is, too."""
    with monitor_of(root) as monitor:
        monitor.save("own", LOW, ANNA, "asked for by audit")
        waiting = monitor.waiting()[0]
        assert (waiting.name, waiting.by, waiting.reason) == ("own", "anna", "asked for by audit")
    assert level(root) is None
    with monitor_of(root) as monitor:
        monitor.approve("own", waiting.sha256, BEN, "reads well")
        assert monitor.waiting() == []
        monitor.save("own", HIGH, BEN, "graver")
    assert level(root) == "LOW"
    with monitor_of(root) as monitor:
        monitor.approve("own", monitor.waiting()[0].sha256, ANNA, "agreed")
    assert level(root) == "HIGH"
    with open_trail(root) as trail:
        assert trail.verify(stream=GOVERNANCE).findings == []


@pytest.mark.parametrize("by", [ANNA, Actor("robot", "service")])
def test_nobody_approves_their_own_rule(root: Path, by: Actor) -> None:
    """Who saved it, and what is no person, cannot approve it; the attempt is on record."""
    with monitor_of(root) as monitor:
        monitor.save("own", LOW, ANNA, "asked for by audit")
        with pytest.raises(GovernanceRefusedError, match="another person"):
            monitor.approve("own", monitor.waiting()[0].sha256, by, "fine")
        assert monitor.approvals is not None
        denied = [one for one in monitor.approvals.log.events() if one.outcome == "denied"]
        assert [(one.action, one.actor.id) for one in denied] == [("rule.approve", by.id)]
    assert level(root) is None


def test_an_approval_is_of_the_text_that_was_read(root: Path) -> None:
    """What was changed after somebody read it is not approved by them."""
    with monitor_of(root) as monitor:
        monitor.save("own", LOW, ANNA, "asked for by audit")
        read = monitor.waiting()[0]
        monitor.save("own", HIGH, ANNA, "graver")
        with pytest.raises(GovernanceRefusedError, match="what waits"):
            monitor.approve("own", read.sha256, BEN, "reads well")
        monitor.reject("own", BEN, "neither")
        assert monitor.waiting() == []
        with pytest.raises(InputError, match="no rules wait"):
            monitor.approve("own", read.sha256, BEN, "reads well")


def test_a_file_that_is_changed_in_its_folder_changes_nothing(root: Path) -> None:
    """Who can write into the folder and does not ask anybody puts no rule in force, and takes none out; it shows."""
    with monitor_of(root) as monitor:
        monitor.save("own", LOW, ANNA, "asked for by audit")
        monitor.approve("own", monitor.waiting()[0].sha256, BEN, "reads well")
        assert monitor.strays() == []
    (root / "rules" / "own.yml").write_text(HIGH)
    (root / "rules" / "mine.yml").write_text(HIGH.replace("anything_cancelled", "mine"))
    assert level(root) == "LOW"
    with monitor_of(root) as monitor:
        assert monitor.strays() == ["mine", "own"]


def test_rules_from_before_stay_in_force_and_none_is_added_that_way_later(tmp_path: Path) -> None:
    """Asking for approval from now on takes no rule out of force; a file put there afterwards is not adopted."""
    root = trail_with(tmp_path, "auto")
    with monitor_of(root) as monitor:
        monitor.save("own", LOW, ANNA, "before anybody approved")
    assert level(root) == "LOW"
    people(root)
    assert level(root) == "LOW"
    (root / "rules" / "later.yml").write_text(
        HIGH.replace("anything_cancelled", "later").replace("6f1a1b5e", "7f1a1b5e")
    )
    with monitor_of(root) as monitor:
        assert "later" not in {rule.about.name for rule in monitor.rules()}
        assert monitor.strays() == ["later"]
        monitor.save("own", HIGH, ANNA, "graver")
        assert [one.name for one in monitor.waiting()] == ["own"]
    assert level(root) == "LOW"


def test_without_a_word_of_it_approval_is_asked_for_where_there_are_two(tmp_path: Path) -> None:
    """With one account there is nobody else to ask; once one may write and another may approve, it takes both."""
    root = trail_with(tmp_path, "auto")
    with monitor_of(root) as monitor:
        monitor.save("own", LOW, ANNA, "alone")
        with pytest.raises(InputError, match="need no approval"):
            monitor.approve("own", "0" * 64, BEN, "fine")
    assert level(root) == "LOW"
    people(root)
    with monitor_of(root) as monitor:
        monitor.save("own", HIGH, ANNA, "graver")
    assert level(root) == "LOW"


def people(root: Path) -> None:
    """Add somebody who writes rules, and somebody who approves them."""
    with open_trail(root) as trail, open_access(root, trail) as access:
        for role in (Role.RULE_AUTHOR, Role.RULE_APPROVER):
            access.people.add(local_principal(), role, role, Wanted((role,), Scope()), HERE)
