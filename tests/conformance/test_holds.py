"""Legal holds in a directory and in memory keep their promises, and a listing says who could delete what."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from ordertrail.adapters.files.holds import HOLDS
from ordertrail.adapters.files.vault import FileVault
from ordertrail.adapters.memory.vault import MemoryVault
from ordertrail.testing.conformance.disposal import DisposalSuite, LettingVault
from ordertrail.testing.conformance.holds import HoldingVault, HoldsSuite
from ordertrail.testing.conformance.vault import LATER, LATEST, OBJECT, PARTIAL, SOON
from ordertrail.vault.inventory import Deleter, Summary, deleter_of, list_kept
from ordertrail.vault.ports import Kept

NOW = SOON - timedelta(days=1)


class TestHolds(HoldsSuite):
    """FileVault and MemoryVault."""

    @pytest.fixture(params=["memory", "files"])
    def reopen(self, request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], HoldingVault]:
        """Open it once more."""
        if request.param == "memory":
            vault = MemoryVault()
            return lambda: vault
        return partial(FileVault, tmp_path / "vault", immutable=False)


class TestDisposal(DisposalSuite):
    """FileVault and MemoryVault let go of what is due."""

    @pytest.fixture(params=["memory", "files"])
    def reopen(self, request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], LettingVault]:
        """Open it once more."""
        if request.param == "memory":
            vault = MemoryVault()
            return lambda: vault
        return partial(FileVault, tmp_path / "vault", immutable=False)


def test_a_line_of_holds_is_what_the_specification_says(tmp_path: Path) -> None:
    """What was done, the path and check digits, to the byte; a torn or damaged line is none."""
    vault = FileVault(tmp_path, immutable=False)
    vault.put([("tile/0/067", b"tile")], LATER)
    vault.hold("tile/0/067")
    vault.release("tile/0/067")
    lines = b"on tile/0/067 8cf75a91\noff tile/0/067 5ca80e39\n"
    assert (tmp_path / HOLDS).read_bytes() == lines
    for damaged, held in ((lines[:-1], False), (lines[:-2], True), (lines.replace(b"on", b"in"), False)):
        (tmp_path / HOLDS).write_bytes(damaged)
        kept = FileVault(tmp_path, immutable=False).kept("tile/0/067")
        assert kept is not None
        assert kept.legal_hold is held


def test_a_listing_names_every_object_with_its_term_and_who_could_delete_it(tmp_path: Path) -> None:
    """The checkpoint and the keys are replaced by design, and left out; what is gone is named."""
    vault = FileVault(tmp_path, immutable=False)
    vault.put([(OBJECT, b"tile"), (PARTIAL, b"partial"), ("checkpoint", b"x"), ("keys.txt", b"x")], LATER)
    vault.extend(PARTIAL, LATEST)
    listed = {one.path: one for one in list_kept(vault, NOW)}
    assert set(listed) == {OBJECT, PARTIAL}
    assert [listed[path].deleter for path in (OBJECT, PARTIAL)] == [Deleter.FOLDER] * 2
    shutil.rmtree(tmp_path / "tile" / "0" / "000.p")
    summary = Summary()
    for one in list_kept(vault, NOW):
        summary.add(one)
        assert one.problems == (() if one.path == OBJECT else ("is missing",))
    assert summary.sentence == (
        "1 object of 4 bytes: 1 with read-only, the first term ends 2033-11-20T14:02:11.004512Z. "
        "1 could be deleted by whoever may write to its folder today. 1 is missing or was tampered with."
    )


@pytest.mark.parametrize(
    ("kept", "deleter"),
    [
        (Kept(LATER, 1, True, True, "COMPLIANCE"), Deleter.NOBODY),
        (Kept(LATER, 1, True, True, "GOVERNANCE"), Deleter.BYPASS),
        (Kept(NOW, 1, True, False, "COMPLIANCE"), Deleter.ANYONE),
        (Kept(NOW, 1, True, True, "GOVERNANCE", legal_hold=True), Deleter.HOLD),
        (Kept(None, 1, True, True, legal_hold=True), Deleter.HOLD),
        (Kept(LATER, 1, True, True, "immutable flag"), Deleter.ROOT),
        (Kept(LATER, 1, True, False, "read-only", legal_hold=True), Deleter.FOLDER),
        (Kept(None, 1, False, False), Deleter.ANYONE),
    ],
)
def test_who_could_delete_follows_from_the_lock(kept: Kept, deleter: Deleter) -> None:
    """A lock counts until its end; a hold counts where the store enforces it."""
    assert deleter_of(kept, NOW) is deleter
