"""A bundle of a log whose beginning was destroyed: what went, by whose word, and that what is gone is not missing."""

import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from evidence.altering import Members, consistently, edited_json, flipped, paged, with_member
from ordertrail.assembly import open_trail
from ordertrail.assembly.evidence import open_workshop
from ordertrail.evidence import layout
from ordertrail.evidence.archive import format_archive, parse_archive
from ordertrail.evidence.bundling import Bundling, Request
from ordertrail.evidence.checking import BundleChecked, check_bundle
from ordertrail.evidence.choosing import Selection
from ordertrail.evidence.opening import BrokenBundleError
from ordertrail.evidence.purges import parse_purge
from ordertrail.evidence.verifier import page as verifier
from ordertrail.kernel.errors import InputError
from ordertrail.ledger.pruning import ACTION
from ordertrail.ledger.verify.report import Step
from ordertrail.ledger.vkey import VerifierKey, parse_vkey
from retention.house import ANNA, House

MONTHS = 20
CORE = Path(verifier.__file__).with_name("verify.js")
CHECK = """
async ({core, bundles, keys}) => {
  const {checkBundle} = await import(core), found = [];
  for (const bundle of bundles) {
    const bytes = Uint8Array.from(atob(bundle), (one) => one.charCodeAt(0));
    try { found.push([0, (await checkBundle(bytes, keys)).steps.map((one) => one.message).join("\\n")]); }
    catch (error) { found.push([error.step ?? -1, String(error.message)]); }
  }
  return found;
}
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A trail of twenty months whose term is a year, pruned twice."""
    house = House(tmp_path_factory.mktemp("purges") / "trail").begin()
    house.pass_months(MONTHS)
    house.purge()
    house.pass_months(4)
    house.purge()
    return house


@dataclass(frozen=True)
class Made:
    """A bundle of an order that lost its first events, and the keys of its log and of the deletion log."""

    data: bytes
    order: str
    own: tuple[str, ...]
    deletions: tuple[str, ...]

    @property
    def keys(self) -> list[VerifierKey]:
        """The keys of both logs."""
        return [parse_vkey(one) for one in (*self.own, *self.deletions)]

    @property
    def purges(self) -> list[str]:
        """The members that tell of destructions."""
        return sorted(name for name in parse_archive(self.data) if name.startswith("purges/"))

    def check(self) -> BundleChecked:
        """Check it."""
        return check_bundle(self.data, self.keys)


def make(house: House, order: str) -> Made:
    """Make a bundle of an order."""
    with open_trail(house.root, clock=house.clock) as trail:
        bundling = Bundling(open_workshop(house.root, trail), "default", house.clock)
        made = bundling.make(Request(Selection(orders=((order, None),)), ANNA, "asked for by counsel"))
        keys = {name: tuple(one.vkey for one in trail.keys(name)) for name in trail.logs}
    return Made(made.data, order, keys["default"], keys.get("deletions", ()))


@pytest.fixture(scope="module")
def made(house: House) -> Made:
    """A bundle of the order of the newest event."""
    order = house.events()[-1].subject.order
    assert order is not None
    return make(house, order)


Verifier = Callable[[bytes, Made], tuple[int, str]]
"""Returns the step at which a verifier refuses a bundle, 0 where it holds, and what it says."""


def ours(data: bytes, made: Made) -> tuple[int, str]:
    """``ordertrail check``."""
    try:
        return 0, "\n".join(one.message for one in check_bundle(data, made.keys).steps)
    except BrokenBundleError as error:
        return error.step.number, error.message


@pytest.fixture(scope="module")
def single_file(verify_py: Path, tmp_path_factory: pytest.TempPathFactory) -> Verifier:
    """``verify.py``."""
    path = tmp_path_factory.mktemp("bundle") / "bundle.zip"

    def run(data: bytes, made: Made) -> tuple[int, str]:
        path.write_bytes(data)
        command = [
            sys.executable,
            "-I",
            str(verify_py),
            str(path),
            "--key",
            "\n".join((*made.own, *made.deletions)),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        broken = done.stdout.partition("BROKEN at step ")[2]
        assert done.returncode == bool(broken), done.stdout
        return int(broken[0]) if broken else 0, done.stdout

    return run


@pytest.fixture(scope="module")
def in_browser(
    chromium: BrowserContext, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[list[bytes], Made], list[tuple[int, str]]]]:
    """``verify.js`` in a real Chromium without a network, over many bundles at once."""
    empty = tmp_path_factory.mktemp("page") / "empty.html"
    empty.write_text("<!doctype html><title>x</title>")
    page = chromium.new_page()
    page.goto(empty.as_uri())
    core = f"data:text/javascript;base64,{b64encode(CORE.read_bytes()).decode()}"

    def run(bundles: list[bytes], made: Made) -> list[tuple[int, str]]:
        encoded = [b64encode(one).decode() for one in bundles]
        keys = [*made.own, *made.deletions]
        found = page.evaluate(CHECK, {"core": core, "bundles": encoded, "keys": keys})
        return [(step, told) for step, told in found]

    yield run
    page.close()


def test_all_verifiers_tell_what_was_purged_from_what_is_missing(
    house: House, made: Made, single_file: Verifier, in_browser: Any
) -> None:
    """Each certificate is proven, and the events before the first one here are purged under the one that took them."""
    with house.retention() as retention:
        certificates = retention.register().certificates
    (part,) = made.check().manifest.orders
    assert part.before is not None
    covering = [one for one in certificates.values() if part.before.entry < one.minimum]
    first = min(covering, key=lambda one: one.minimum)
    assert part.before.purge == first.id
    for step, told in (ours(made.data, made), single_file(made.data, made), *in_browser([made.data], made)):
        assert step == 0, told
        gap = f"events 1 to {part.before.number} are purged under certificate {first.id}, not missing"
        assert f"order {made.order}: {gap}" in told
        for id_ in (name[7:-5] for name in made.purges):
            minimum = certificates[id_].minimum
            assert f"entries 0 to {minimum - 1:,} of" in told.replace(str(minimum - 1), f"{minimum - 1:,}")
            assert f"purged under certificate {id_}" in told


def test_the_page_says_it(made: Made, chromium: BrowserContext, tmp_path: Path) -> None:
    """Opened without a network: the certificates among the steps, and the gap in the heading of the order."""
    (tmp_path / "verify.html").write_bytes(parse_archive(made.data)[layout.PAGE])
    page = chromium.new_page()
    page.goto((tmp_path / "verify.html").as_uri())
    page.wait_for_selector("html[data-checked=yes]", state="attached")
    (part,) = made.check().manifest.orders
    assert part.before is not None
    assert page.inner_text("#steps").count("purged under certificate") == len(made.purges) + 1
    heading = f"Order {made.order}: complete from event {part.before.number + 1} on"
    assert heading in page.inner_text("#events")
    page.close()


def test_its_events_end_where_the_certificate_says(house: House, made: Made) -> None:
    """With what was recorded of the order before, the number and place of the last event that went are right."""
    (part,) = made.check().manifest.orders
    assert part.before is not None
    own = [one for one in house.events() if one.subject.order == made.order]
    assert part.before.number + part.events == len(own)
    assert house.events()[part.before.entry] == own[part.before.number - 1]


def test_the_deletion_log_is_known_by_its_own_key(made: Made) -> None:
    """Its key named, nothing is left to say; not named, that is said; the log's own key is never done without."""
    assert not any("which certifies what was destroyed" in one for one in made.check().notes)
    checked = check_bundle(made.data, [parse_vkey(one) for one in made.own])
    assert checked.vouched
    assert checked.certifying == {"deletions"}
    assert any(made.deletions[0] in one for one in checked.notes)
    assert "deletions" not in checked.verdict
    with pytest.raises(BrokenBundleError) as caught:
        check_bundle(made.data, [parse_vkey(one) for one in made.deletions])
    assert caught.value.step is Step.SIGNATURE


def test_its_paper_says_what_cannot_be_shown(made: Made) -> None:
    """Certificates by their names, and the order's events that are gone."""
    said = made.check().manifest.not_proven
    assert all(any(name in one for one in said) for name in made.purges)
    assert any(f"order {made.order} before number" in one for one in said)


def test_a_flipped_bit_anywhere_in_a_certificate_is_refused(
    made: Made, single_file: Verifier, in_browser: Any
) -> None:
    """In ``purges`` and in the deletion log's members, by all three, with the step: the manifest covers them."""
    members = parse_archive(made.data)
    names = [name for name in members if name.startswith(("purges/", "logs/deletions/"))]
    assert len(names) > len(made.purges)
    flips = [
        with_member(made.data, name, lambda data, at=at: flipped(data, at))  # type: ignore[misc]
        for name in names
        for at in sorted({0, len(members[name]) // 2, len(members[name]) - 1})
    ]
    assert {ours(one, made)[0] for one in flips} == {1}
    assert {step for step, _ in in_browser(flips, made)} == {1}
    assert {single_file(one, made)[0] for one in flips[:: max(1, len(flips) // 8)]} == {1}


def test_every_bit_of_purges_is_looked_at_beyond_its_hash(made: Made) -> None:
    """Where manifest and page are made to agree with a flipped bit, what it says no longer fits, or the log tells."""
    name = made.purges[-1]
    length = len(parse_archive(made.data)[name])
    for at in range(0, length, max(1, length // 80)):

        def flip(members: Members, at: int = at) -> None:
            members[name] = flipped(members[name], at)

        assert ours(consistently(made.data, flip), made)[0] in {1, 3}


def certificate_member(made: Made) -> str:
    """Return the entry of the deletion log that the newest destruction names."""
    member = parse_purge(parse_archive(made.data)[made.purges[-1]], "purges")
    return layout.entry_member("deletions", member.certificate.index)


def reworded(members: Members, made: Made) -> None:
    """Say that somebody else approved."""
    name = certificate_member(made)
    members[name] = members[name].replace(b'"after":"ben"', b'"after":"eve"')


def other_root(members: Members, _made: Made) -> None:
    """Certify another range, in certificate and order alike."""
    for name in members:
        if name.endswith(".json") and name.startswith("logs/") and ACTION.encode() in members[name]:
            members[name] = members[name].replace(b'"path":"/root"', b'"path":"/toor"')


def other_proof(members: Members, made: Made) -> None:
    """Put one proof for another."""
    first, second = (json.loads(members[name]) for name in made.purges)
    second["consistency"] = first["consistency"]
    members[made.purges[-1]] = json.dumps(second, separators=(",", ":")).encode()


def swapped(members: Members, made: Made) -> None:
    """Name each certificate for the other's."""
    first, second = made.purges
    members[first], members[second] = members[second], members[first]


def renumbered(members: Members, _made: Made) -> None:
    """Say that one event less was destroyed."""

    def less(manifest: Any) -> None:
        manifest["orders"][0]["before"]["number"] -= 1

    members[layout.MANIFEST] = edited_json(less)(members[layout.MANIFEST])


@pytest.mark.parametrize(
    ("change", "step"),
    [(reworded, 2), (other_root, 1), (other_proof, 3), (swapped, 1), (renumbered, 3)],
    ids=lambda one: getattr(one, "__name__", str(one)),
)
def test_what_is_rewritten_is_refused_at_its_step(
    made: Made, single_file: Verifier, in_browser: Any, change: Callable[[Members, Made], None], step: int
) -> None:
    """All of the bundle made to agree: proofs, the certificate's own words and the log's entry are what is left."""
    altered = consistently(made.data, lambda members: change(members, made))
    assert altered != made.data
    assert [
        one[0] for one in (ours(altered, made), single_file(altered, made), *in_browser([altered], made))
    ] == [step] * 3


class TestGap:
    """A gap that no certificate explains: what the seal would cover, seen by the check of gaps alone."""

    @pytest.fixture
    def unsealed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let any manifest pass, as if whoever keeps the log had sealed it."""
        monkeypatch.setattr("ordertrail.evidence.checking.manifest_hash", lambda _data: self.sealed)

    sealed = ""

    @pytest.mark.parametrize(
        "change",
        [
            {"purge": "another"},
            {"number": 1},
            {"entry": 0},
            {"entry": 10_000},
            {"hashes": []},
        ],
        ids=str,
    )
    @pytest.mark.usefixtures("unsealed")
    def test_a_manifest_that_lies_about_it_is_refused(self, made: Made, change: dict[str, Any]) -> None:
        """Another certificate, number, place or proof: step 4, though the log itself had sealed it."""
        seal = json.loads(parse_archive(made.data)[layout.SEAL])
        named = {one["path"]: one["after"] for one in seal["event"]["changes"]}
        TestGap.sealed = named["/manifest/sha256"]
        assert ours(made.data, made)[0] == 0

        def lie(manifest: Any) -> None:
            before = manifest["orders"][0]["before"]
            assert {name: before[name] for name in change} != change
            before.update(change)

        members = parse_archive(made.data)
        members[layout.MANIFEST] = edited_json(lie)(members[layout.MANIFEST])
        assert ours(paged(members), made)[0] == 4


def test_certificates_cannot_be_taken_out_or_put_in(made: Made) -> None:
    """Without one, or with one more, the manifest does not agree; and a name that is no certificate's is refused."""
    members = parse_archive(made.data)
    name = made.purges[0]
    without = {one: data for one, data in members.items() if one != name}
    for other in (without, {**members, "purges/00000000.json": members[name]}):
        with pytest.raises(BrokenBundleError) as caught:
            check_bundle(format_archive(other), made.keys)
        assert caught.value.step is Step.CONTENT


def test_it_has_one_spelling(made: Made) -> None:
    """What stands below ``purges`` is canonical, with nothing in it that nobody reads."""
    data = parse_archive(made.data)[made.purges[0]]
    for other in (data + b" ", data.replace(b'{"certificate"', b'{"z":1,"certificate"'), b"[]", b"[" * 5_000):
        with pytest.raises(InputError):
            parse_purge(other, made.purges[0])


def test_a_log_of_which_nothing_was_destroyed_has_no_certificate(tmp_path: Path) -> None:
    """Its bundles are as they were, and its orders complete."""
    house = House(tmp_path / "trail").begin()
    house.pass_months(2)
    order = house.events()[0].subject.order
    assert order is not None
    bundle = make(house, order)
    assert bundle.purges == []
    assert [(one.order, one.before) for one in bundle.check().manifest.orders] == [(order, None)]
