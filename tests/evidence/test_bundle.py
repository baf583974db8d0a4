"""A bundle proves what it holds, to our verifier and to the single-file one; what is altered is found, and where."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from evidence.altering import Members, consistently, edited_json, flipped, paged, with_member
from evidence.richly import AUDITOR, HOSTILE, ORIGIN, REASON, Rich
from interop.golang import build_tlogcheck
from ordertrail.assembly.evidence import StampAdapter
from ordertrail.evidence import layout
from ordertrail.evidence.archive import parse_archive
from ordertrail.evidence.checking import check_bundle
from ordertrail.evidence.opening import BrokenBundleError
from ordertrail.kernel.errors import EvidenceError
from ordertrail.ledger.policy import parse_policy
from ordertrail.ledger.tlog_proof import check_tlog_proof, parse_tlog_proof
from ordertrail.ledger.verify.report import Step
from ordertrail.testing.tamper.copies import copy_trail

SO_1 = [2, 5, 6, 7, 8]
"""Entries of order SO-1 of tenant main."""


def refused(data: bytes, rich: Rich) -> Step:
    """Return the step at which our verifier refuses a bundle."""
    with pytest.raises(BrokenBundleError) as caught:
        check_bundle(data, rich.keys, StampAdapter())
    assert f"step {caught.value.step.number} {caught.value.step.label}: " in caught.value.message
    return caught.value.step


@dataclass(frozen=True)
class Said:
    """What the single-file verifier said."""

    status: int
    output: str

    @property
    def step(self) -> int:
        """The step that it says is broken."""
        found = re.search(r"BROKEN at step (\d)", self.output)
        assert found is not None, self.output
        return int(found[1])


@pytest.fixture(scope="session")
def program(verify_py: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Said]:
    """Run the single-file verifier alone: no site directory of ours on its path."""
    folder = tmp_path_factory.mktemp("bundles")

    def run(data: bytes, *arguments: str) -> Said:
        (folder / "bundle.zip").write_bytes(data)
        command = [sys.executable, "-I", str(verify_py), str(folder / "bundle.zip"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
        assert "Traceback" not in done.stderr, done.stderr
        return Said(done.returncode, done.stdout + done.stderr)

    return run


class TestWhole:
    """A bundle as it was made."""

    def test_it_goes_through_every_step(self, rich: Rich) -> None:
        """Each of the six numbered steps is told, the stamp and the witness among them."""
        checked = check_bundle(rich.bundle.data, rich.keys, StampAdapter())
        assert {passed.step for passed in checked.steps} == set(Step)
        assert checked.vouched
        told = "\n".join(passed.message for passed in checked.steps)
        assert "honest saw the first 10 entries" in told
        assert "honest saw the first 11 entries" in told
        assert "w1 saw the first 11 entries" in told
        assert f"made by {AUDITOR.id}, approved by auditor-2" in told
        assert REASON in told

    def test_any_key_of_the_log_will_do(self, rich: Rich) -> None:
        """The key before an exchange and the one after: each vouches for the other by the log's own statements."""
        for key in rich.keys:
            assert check_bundle(rich.bundle.data, [key], StampAdapter()).vouched

    def test_without_a_key_it_says_that_nobody_vouches(self, rich: Rich) -> None:
        """A forged bundle would agree with itself just so."""
        checked = check_bundle(rich.bundle.data, (), StampAdapter())
        assert not checked.vouched
        assert "no key" in checked.verdict
        assert any(rich.vkeys[0] in note for note in checked.notes)

    def test_somebody_elses_key_refuses_it(self, rich: Rich) -> None:
        """Where a key is named, it must be the log's: step 3."""
        stranger = parse_policy(parse_archive(rich.bundle.data)["logs/default/policy.txt"]).witnesses[0].key
        with pytest.raises(BrokenBundleError) as caught:
            check_bundle(rich.bundle.data, [stranger], StampAdapter())
        assert caught.value.step is Step.SIGNATURE

    def test_what_is_disclosed_is_open_and_the_rest_is_not(self, rich: Rich) -> None:
        """One field of one event; the other values of the same person are in no member."""
        checked = check_bundle(rich.bundle.data, rich.keys, StampAdapter())
        assert [(one.path, one.value) for one in checked.disclosed] == [
            ("/changes/0/after", "李小龍 بن سلمان")
        ]
        assert b"+49 30 1234567" not in rich.bundle.data
        assert b"203.0.113.7" in parse_archive(rich.bundle.data)["logs/default/entries/0000000000000002.json"]
        assert "2 sealed fields" in " ".join(checked.manifest.not_proven)

    def test_two_makings_differ_only_in_what_is_new(self, rich: Rich) -> None:
        """Entries, proofs and keys are the same bytes as in the log; members stand in the order of their names."""
        members = parse_archive(rich.bundle.data)
        assert list(members) == sorted(members)
        for index in SO_1:
            proof = parse_tlog_proof(members[layout.proof_member("default", index)])
            entry = members[layout.entry_member("default", index)]
            assert check_tlog_proof(proof, entry, rich.keys[-1]).checkpoint.size == 11

    def test_the_log_tells_of_it(self, rich: Rich) -> None:
        """The entry that seals a bundle says who made it, why, for whom, and the manifest's hash."""
        event = json.loads(parse_archive(rich.bundle.data)[layout.SEAL])["event"]
        named = {change["path"]: change["after"] for change in event["changes"]}
        assert (event["action"], event["actor"]["id"], event["context"]["reason"]) == (
            "bundle.make",
            AUDITOR.id,
            REASON,
        )
        assert named["/manifest/sha256"] == rich.bundle.manifest
        assert named["/recipient"] == "Landgericht Köln"


class TestSingleFile:
    """``verify.py``: an implementation of its own, by the same steps."""

    def test_it_says_the_same(self, rich: Rich, program: Callable[..., Said]) -> None:
        """It holds under a trusted key, and goes through every step."""
        said = program(rich.bundle.data, *[word for vkey in rich.vkeys for word in ("--key", vkey)])
        assert said.status == 0, said.output
        assert [step for step in "123456" if f"\n  {step} " in f"\n{said.output}"] == list("123456")
        assert "honest saw 10 entries" in said.output
        assert "w1 saw 11 entries" in said.output

    def test_no_key_is_not_well(self, rich: Rich, program: Callable[..., Said]) -> None:
        """Without a key it ends with 2, so that no script takes a forgery."""
        assert program(rich.bundle.data).status == 2

    def test_another_key_refuses_it(self, rich: Rich, program: Callable[..., Said]) -> None:
        """Step 3."""
        other = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
        said = program(rich.bundle.data, "--key", other)
        assert (said.status, said.step) == (1, 3)

    def test_it_stands_alone(self, verify_py: Path) -> None:
        """It imports the standard library and ``cryptography``, nothing of ours."""
        text = verify_py.read_text()
        imported = {
            line.split()[1].split(".")[0]
            for line in re.findall(r"^\s*(?:from|import) \S+", text, re.MULTILINE)
        }
        assert "ordertrail" not in imported
        assert imported - set(sys.stdlib_module_names) == {"cryptography"}

    def test_it_is_in_the_bundle(self, rich: Rich, verify_py: Path) -> None:
        """As it is."""
        assert parse_archive(rich.bundle.data)[layout.PROGRAM] == verify_py.read_bytes()


def places(rich: Rich) -> list[tuple[str, int]]:
    """Return places in each member at which to change a bit: its ends, and some between."""
    found = []
    for name, data in parse_archive(rich.bundle.data).items():
        found += [(name, at) for at in sorted({0, len(data) // 3, len(data) // 2, len(data) - 1})]
    return found


class TestAltered:
    """Every altered byte is refused, with the step."""

    def test_a_flipped_bit_in_every_member(self, rich: Rich) -> None:
        """In members that the manifest covers: step 1. In the seal: where it no longer proves."""
        for name, at in places(rich):
            changed = with_member(rich.bundle.data, name, lambda data, at=at: flipped(data, at))  # type: ignore[misc]
            step = refused(changed, rich)
            if name not in layout.BESIDE or name == layout.PAGE:
                assert step is Step.CONTENT, name

    def test_a_flipped_bit_in_the_seal_without_the_page_telling(self, rich: Rich) -> None:
        """Where the page is made to agree, the seal's own proof and the log's signature are what is left."""
        for name in (layout.MANIFEST, layout.SEAL, layout.SEAL_PROOF, layout.SEAL_CONSISTENCY):
            data = parse_archive(rich.bundle.data)[name]
            for at in range(0, len(data), max(1, len(data) // 60)):
                members = parse_archive(rich.bundle.data)
                members[name] = flipped(data, at)
                refused(paged(members), rich)

    def test_a_flipped_bit_anywhere_in_the_archive(self, rich: Rich) -> None:
        """Headers, names, directory and end included."""
        data = rich.bundle.data
        directory = data.rindex(b"PK\x05\x06")
        begin = int.from_bytes(data[directory + 16 : directory + 20], "little")
        for at in (*range(46), *range(begin, len(data), 3), *range(directory, len(data))):
            assert refused(flipped(data, at), rich) is Step.CONTENT, at

    def test_the_single_file_refuses_them_too(self, rich: Rich, program: Callable[..., Said]) -> None:
        """A bit in each member, and it names the step."""
        for name, data in parse_archive(rich.bundle.data).items():
            said = program(with_member(rich.bundle.data, name, lambda data: flipped(data, len(data) // 2)))
            assert said.status == 1, (name, len(data), said.output)
            assert said.step in range(1, 7)

    @pytest.mark.parametrize(
        "change", [lambda data: data[:-1], lambda data: data + b"\x00", lambda data: data[1:]]
    )
    def test_cut_off_or_longer(
        self, rich: Rich, change: Callable[[bytes], bytes], program: Callable[..., Said]
    ) -> None:
        """One byte less, one byte more."""
        assert refused(change(rich.bundle.data), rich) is Step.CONTENT
        assert program(change(rich.bundle.data)).step == 1


ENTRY = layout.entry_member("default", 7)
PROOF = layout.proof_member("default", 7)


def reworded(members: Members) -> None:
    """Change a price in an entry."""
    members[ENTRY] = members[ENTRY].replace(b'"amount":7200', b'"amount":7100')


def swapped(members: Members) -> None:
    """Give one entry another's proof."""
    members[PROOF] = members[layout.proof_member("default", 6)]


def unsigned(members: Members) -> None:
    """Take the log's own signature off the checkpoint, in all proofs too."""
    for name in members:
        if name.startswith("logs/default/checkpoints/") or (
            name.startswith("logs/") and name.endswith(".tlog-proof")
        ):
            members[name] = re.sub(rb"\xe2\x80\x94 " + ORIGIN.encode() + rb" [^\n]{92}\n", b"", members[name])


def without_first_key(members: Members) -> None:
    """Leave out the statement by which the log began."""
    del members["logs/default/keys/0000000000000000"]


def other_history(members: Members) -> None:
    """Break the proof between two checkpoints."""
    members["logs/default/consistency/0000000000000010"] = members[layout.SEAL_CONSISTENCY]


def without_stamped(members: Members) -> None:
    """Put another authority's bytes in a stamp's place."""
    members["logs/default/timestamps/0000000000000010/honest.tsr"] = members[
        "logs/default/timestamps/0000000000000011/honest.tsr"
    ]


def undisclosed(members: Members) -> None:
    """Disclose with another key."""
    members[layout.DISCLOSURES] = re.sub(rb'"key":"....', b'"key":"AAAA', members[layout.DISCLOSURES])


def added_text(members: Members) -> None:
    """Change what people read."""
    members[layout.README] += b"All is well.\n"


def dropped_entry(members: Members) -> None:
    """Leave out an event of a whole order, and say one less everywhere that can be rewritten."""
    for name in (ENTRY, PROOF):
        del members[name]
    edit = edited_json(_one_less)
    members[layout.MANIFEST] = edit(members[layout.MANIFEST])


def _one_less(manifest: dict[str, object]) -> None:
    for part in (*manifest["logs"], *manifest["orders"]):  # type: ignore[misc]
        for name in ("entries", "events"):
            if part.get("order", "SO-1") == "SO-1" and name in part:
                part[name] -= 1


REWRITTEN = [
    (reworded, Step.INCLUSION),
    (swapped, Step.INCLUSION),
    (unsigned, Step.SIGNATURE),
    (without_first_key, Step.SIGNATURE),
    (other_history, Step.SIGNATURE),
    (without_stamped, Step.SIGNATURE),
    (added_text, Step.SIGNATURE),
    (undisclosed, Step.CONTENT),
    (dropped_entry, Step.SIGNATURE),
]


class TestRewritten:
    """Somebody changes members and makes the manifest agree: proofs and the log's own entry are what is left."""

    @pytest.mark.parametrize(
        ("change", "step"), REWRITTEN, ids=lambda one: getattr(one, "__name__", str(one))
    )
    def test_it_is_found_at_its_step(
        self, rich: Rich, change: Callable[[Members], None], step: Step, program: Callable[..., Said]
    ) -> None:
        """A changed entry is not under the root; anything else is not in the manifest that the log named."""
        altered = consistently(rich.bundle.data, change)
        assert refused(altered, rich) is step
        assert program(altered).step == step.number


class TestStructure:
    """What could make two programs see two things."""

    def test_a_strange_member_is_refused(self, rich: Rich) -> None:
        """Even one that the manifest lists."""

        def add(members: Members) -> None:
            members["extra.txt"] = b"x"

        assert refused(consistently(rich.bundle.data, add), rich) is Step.CONTENT

    def test_a_path_that_leaves_is_refused(self, rich: Rich) -> None:
        """Whatever its headers say."""
        for path in (b"../../x.txt", b"/EADME.txt", b"README\\txt", b"README\x00txt"):
            name = path.ljust(10, b"x")[:10]
            assert refused(rich.bundle.data.replace(b"README.txt", name), rich) is Step.CONTENT


class TestOthers:
    """Unrelated code reads the parts that are C2SP's."""

    def test_the_go_checksum_database_code_reads_the_log_that_it_is_of(
        self, rich: Rich, tmp_path: Path
    ) -> None:
        """The published log, its checkpoints in the bundle among it, is accepted by ``tlogcheck``."""
        check = build_tlogcheck(tmp_path)
        log = copy_trail(rich.root, tmp_path / "copy") / "log"
        members = parse_archive(rich.bundle.data)
        (log / "keys.txt").write_text(f"{rich.vkeys[-1]}\n")
        (log / "checkpoint.11").write_bytes(members["logs/default/checkpoints/0000000000000011"])
        seal = parse_tlog_proof(members[layout.SEAL_PROOF])
        (log / "checkpoint.12").write_bytes(seal.checkpoint)
        verdict = check(log)
        assert verdict.accepted, verdict.message
        assert "checkpoints=3" in verdict.message


def test_what_is_hostile_stays_text(rich: Rich) -> None:
    """An event may hold anything; the page carries it as base64, and the manifest never quotes it."""
    page = parse_archive(rich.bundle.data)[layout.PAGE]
    assert HOSTILE.encode() not in page
    assert page.count(b"</script>") == 2


def test_bytes_that_are_no_bundle_are_refused(rich: Rich) -> None:
    """Nothing, garbage, another zip."""
    for data in (b"", b"PK\x03\x04", bytes(1000), b"PK\x05\x06" + bytes(18)):
        with pytest.raises(EvidenceError):
            check_bundle(data, rich.keys)
