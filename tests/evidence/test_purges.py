"""A bundle of a log whose beginning was destroyed says so: its certificate with a proof, its order as an entry."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ordertrail.assembly import open_trail
from ordertrail.assembly.evidence import open_workshop
from ordertrail.evidence import layout
from ordertrail.evidence.archive import format_archive, parse_archive
from ordertrail.evidence.bundling import Bundling, Request
from ordertrail.evidence.checking import check_bundle
from ordertrail.evidence.choosing import Selection
from ordertrail.evidence.making import Bundle
from ordertrail.evidence.opening import BrokenBundleError
from ordertrail.kernel.canonical import canonical
from ordertrail.ledger.pruning import ACTION
from ordertrail.ledger.tlog_proof import check_tlog_proof, parse_tlog_proof
from ordertrail.ledger.vkey import VerifierKey, parse_vkey
from ordertrail.record.entry import read_entry
from retention.house import ANNA, House

MONTHS = 20


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A trail of twenty months whose term is a year, pruned twice."""
    house = House(tmp_path_factory.mktemp("purges") / "trail").begin()
    house.pass_months(MONTHS)
    house.purge()
    house.pass_months(4)
    house.purge()
    return house


def bundle_of(house: House, selection: Selection) -> tuple[Bundle, list[VerifierKey], list[VerifierKey]]:
    """Make a bundle; return it with the log's keys, and those of the deletion log."""
    with open_trail(house.root, clock=house.clock) as trail:
        bundling = Bundling(open_workshop(house.root, trail), "default", house.clock)
        made = bundling.make(Request(selection, ANNA, "asked for by counsel"))
        own, deletions = (
            [parse_vkey(one.vkey) for one in trail.keys(name)] if name in trail.logs else []
            for name in ("default", "deletions")
        )
        return made, own, deletions


def purges(bundle: Bundle) -> dict[str, dict[str, object]]:
    """Return the certificates of a bundle, by their members' names."""
    members = parse_archive(bundle.data)
    found = {name: data for name, data in members.items() if name.startswith("purges/")}
    assert all(layout.belongs(name) and canonical(json.loads(data)) == data for name, data in found.items())
    return {name: json.loads(data) for name, data in found.items()}


def test_the_certificates_of_a_pruned_log_are_in_its_bundles(
    house: House, verify_py: Path, tmp_path: Path
) -> None:
    """Each certificate is there, proven by the deletion log; the newest order is an entry; all verifiers agree."""
    last = house.events()[-1]
    bundle, keys, deletion_keys = bundle_of(house, Selection(events=(last.id,)))
    found = purges(bundle)
    with house.retention() as retention:
        certificates = retention.register().certificates
    assert {one["certificate"]["id"] for one in found.values()} <= set(certificates)  # type: ignore[index]
    newest = max(certificates.values(), key=lambda one: one.minimum)
    told = found[f"purges/{newest.id}.json"]
    assert told["sentence"] == newest.sentence
    proven = told["proven"]
    assert isinstance(proven, dict)
    (key,) = deletion_keys
    assert [parse_vkey(one) for one in proven["vkeys"]] == [key]
    check_tlog_proof(parse_tlog_proof(proven["proof"].encode()), proven["entry"].encode(), key)
    sealed = read_entry(proven["entry"].encode()).event
    assert (sealed.action, sealed.subject.id) == (ACTION, newest.id)
    checked = check_bundle(bundle.data, keys)
    assert checked.vouched
    orders = [one.entry.event for one in checked.entries if one.entry.event.action == ACTION]
    assert newest.order in {one.id for one in orders}
    assert {change.path: change.after for change in orders[-1].changes}["/root"] == newest.root
    assert any(f"purges/{newest.id}.json" in one for one in checked.manifest.not_proven)
    (tmp_path / "bundle.zip").write_bytes(bundle.data)
    command = [sys.executable, "-I", str(verify_py), str(tmp_path / "bundle.zip")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "agrees with itself" in done.stdout, done.stdout + done.stderr


def test_an_order_whose_beginning_was_destroyed_is_told_as_that(house: House) -> None:
    """What is left of it is in the bundle and proven, and that it is not all of it is said, with the number."""
    order = house.events()[-1].subject.order
    assert order is not None
    bundle, keys, _ = bundle_of(house, Selection(orders=((order, None),)))
    checked = check_bundle(bundle.data, keys)
    assert [one.order for one in checked.manifest.orders] == []
    own = [one.entry for one in checked.entries if one.entry.event.subject.order == order]
    assert own
    first = own[0].ledger.order
    assert first is not None
    assert first.number > 1
    assert any(f"order {order} before number {first.number}" in one for one in checked.manifest.not_proven)


def test_an_altered_certificate_is_refused(house: House) -> None:
    """The manifest covers it: no byte of it changes unseen, and none can be taken out or put in."""
    bundle, keys, _ = bundle_of(house, Selection(events=(house.events()[-1].id,)))
    members = parse_archive(bundle.data)
    name = next(one for one in members if one.startswith("purges/"))
    altered = members[name].replace(b'"approver":"ben"', b'"approver":"eve"')
    without = {one: data for one, data in members.items() if one != name}
    for other in (
        {**members, name: altered},
        without,
        {**members, "purges/00000000.json": members[name]},
    ):
        assert other != members
        with pytest.raises(BrokenBundleError):
            check_bundle(format_archive(other), keys)


def test_a_log_of_which_nothing_was_destroyed_has_no_certificate(tmp_path: Path) -> None:
    """Its bundles are as they were, and its orders complete."""
    house = House(tmp_path / "trail").begin()
    house.pass_months(2)
    order = house.events()[0].subject.order
    assert order is not None
    bundle, keys, _ = bundle_of(house, Selection(orders=((order, None),)))
    assert purges(bundle) == {}
    assert [one.order for one in check_bundle(bundle.data, keys).manifest.orders] == [order]
