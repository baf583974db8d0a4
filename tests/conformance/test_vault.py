"""A vault in a directory keeps its promises, and so do tiles and blobs kept in a vault."""

import fcntl
import hashlib
import os
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.adapters.files import durable
from ordertrail.adapters.files.durable import is_immutable, make_immutable
from ordertrail.adapters.files.terms import TERMS
from ordertrail.adapters.files.vault import FileVault
from ordertrail.adapters.memory.vault import MemoryVault
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import ConfigurationError, EvidenceError, UnavailableError
from ordertrail.testing.conformance.blobs import BlobsSuite
from ordertrail.testing.conformance.tiles import TilesSuite
from ordertrail.testing.conformance.vault import LATER, LATEST, OBJECT, SOON, VaultSuite
from ordertrail.vault.keeping import KeptBlobs, KeptTiles, blob_path
from ordertrail.vault.ports import Vault

NOW = datetime(2026, 11, 20, 14, 2, 11, 4_512, tzinfo=UTC)
DAYS = 2_557

LINE = b"2033-11-20T14:02:11.004512Z 067 75456fc8"
"""The worked example of the format's specification."""


class TestFileVault(VaultSuite):
    """FileVault where the file system has no immutable flag."""

    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Callable[[], FileVault]:
        """Open it once more."""
        return partial(FileVault, tmp_path / "vault", immutable=False)

    @pytest.fixture
    def unreachable(self, tmp_path: Path) -> FileVault:
        """Out of reach."""
        (tmp_path / "file").touch()
        return FileVault(tmp_path / "file" / "vault", immutable=False)


@pytest.fixture(params=["memory", "files"])
def open_vault(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Vault]:
    """Open one vault, of either kind, once more."""
    if request.param == "memory":
        vault = MemoryVault()
        return lambda: vault
    return partial(FileVault, tmp_path / "vault", immutable=False)


class TestKeptTiles(TilesSuite):
    """KeptTiles over both vaults."""

    @pytest.fixture
    def reopen(self, open_vault: Callable[[], Vault]) -> Callable[[], KeptTiles]:
        """Open it once more."""
        return lambda: KeptTiles(open_vault(), DAYS)

    def test_objects_are_kept_for_the_logs_term(self, open_vault: Callable[[], Vault]) -> None:
        """From the moment at which they were put."""
        KeptTiles(open_vault(), DAYS).put([(OBJECT, b"tile")], format_time(NOW))
        kept = open_vault().kept(OBJECT)
        assert kept is not None
        assert kept.until == NOW + timedelta(days=DAYS)

    def test_what_does_not_read_back_is_named(self) -> None:
        """A store that loses what it acknowledged is found out at once."""

        class Forgetful(MemoryVault):
            def get(self, path: str) -> bytes | None:
                del path
                return None

        with pytest.raises(EvidenceError, match="tile/0/000"):
            KeptTiles(Forgetful(), DAYS).put([(OBJECT, b"tile")], format_time(NOW))


class TestKeptBlobs(BlobsSuite):
    """KeptBlobs over both vaults."""

    @pytest.fixture
    def reopen(self, open_vault: Callable[[], Vault]) -> Callable[[], KeptBlobs]:
        """Open it once more."""
        return lambda: KeptBlobs(open_vault(), DAYS, lambda: NOW)

    def test_blobs_are_kept_for_the_logs_term(self, open_vault: Callable[[], Vault]) -> None:
        """As long as the entries that name them."""
        name = KeptBlobs(open_vault(), DAYS, lambda: NOW).put(b"payload")
        kept = open_vault().kept(blob_path(name))
        assert kept is not None
        assert kept.until == NOW + timedelta(days=DAYS)


def until_of(vault: Vault, path: str) -> datetime | None:
    """Return the end of an object's term."""
    kept = vault.kept(path)
    assert kept is not None
    return kept.until


def test_a_line_of_terms_is_what_the_specification_says(tmp_path: Path) -> None:
    """Time, name and check digits, to the byte."""
    FileVault(tmp_path, immutable=False).put([("067", b"tile")], LATER)
    assert (tmp_path / TERMS).read_bytes() == LINE + b"\n"
    term, _, check = LINE.rpartition(b" ")
    assert hashlib.sha256(term).hexdigest()[:8].encode() == check


@given(st.integers(0, len(LINE) - 1), st.integers(1, 255))
def test_a_flipped_byte_makes_a_line_invalid(
    tmp_path_factory: pytest.TempPathFactory, place: int, flip: int
) -> None:
    """An object whose only line is damaged has no term, and none that nobody gave it."""
    root = tmp_path_factory.mktemp("vault")
    vault = FileVault(root, immutable=False)
    vault.put([("067", b"tile")], LATER)
    damaged = bytearray(LINE + b"\n")
    damaged[place] ^= flip
    (root / TERMS).write_bytes(damaged)
    assert until_of(FileVault(root, immutable=False), "067") is None


def test_a_damaged_line_hides_no_other(tmp_path: Path) -> None:
    """Lines before and after it count; put again, the object has its term again."""
    vault = FileVault(tmp_path, immutable=False)
    for name, until in (("066", SOON), ("067", LATER), ("068", LATEST)):
        vault.put([(name, b"tile")], until)
    lines = (tmp_path / TERMS).read_bytes().split(b"\n")
    lines[1] = lines[1].replace(b"2033", b"2099")
    (tmp_path / TERMS).write_bytes(b"\n".join(lines))
    reopened = FileVault(tmp_path, immutable=False)
    assert [until_of(reopened, name) for name in ("066", "067", "068")] == [SOON, None, LATEST]
    reopened.put([("067", b"tile")], LATER)
    assert until_of(reopened, "067") == LATER


@pytest.mark.parametrize("kept", [1, 20, 31, 39, 40])
def test_a_torn_line_is_closed_by_the_next(tmp_path: Path, kept: int) -> None:
    """After a crash in the middle of a line the next one stands for itself."""
    vault = FileVault(tmp_path, immutable=False)
    vault.put([("067", b"tile")], LATER)
    with (tmp_path / TERMS).open("r+b") as file:
        file.truncate(kept)
    reopened = FileVault(tmp_path, immutable=False)
    reopened.put([("067", b"tile"), ("068", b"next")], SOON)
    whole = kept == len(LINE)
    assert until_of(reopened, "067") == (LATER if whole else SOON)
    assert until_of(reopened, "068") == SOON


def test_a_disk_that_takes_half_a_line_keeps_no_term(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``put`` says so, and put again it is as if nothing had been."""
    vault = FileVault(tmp_path, immutable=False)
    write = os.write

    def short(descriptor: int, data: bytes) -> int:
        return write(descriptor, data[:20] if bytes(data[:4]) == b"2033" else data)

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", short)
        with pytest.raises(UnavailableError):
            vault.put([("067", b"tile")], LATER)
    vault.put([("067", b"tile")], LATER)
    assert until_of(vault, "067") == LATER


@pytest.mark.parametrize(
    "path",
    ["", ".", "/etc/passwd", "../outside", "a/../../b", ".terms", "a/.terms", ".part-1", "a\nb", "a\0b"],
)
def test_what_is_no_path_is_refused(tmp_path: Path, path: str) -> None:
    """Nothing outside the vault, none of its own files, and no name that writes a line of its own."""
    vault = FileVault(tmp_path / "vault", immutable=False)
    with pytest.raises(ConfigurationError):
        vault.put([(path, b"x")], LATER)
    with pytest.raises(ConfigurationError):
        vault.get(path)


def test_a_vault_may_be_named_from_below(tmp_path: Path) -> None:
    """``--trail ../trail`` is as good as any other way to say where it is."""
    (tmp_path / "below").mkdir()
    vault = FileVault(tmp_path / "below" / ".." / "vault", immutable=False)
    vault.put([(OBJECT, b"tile")], LATER)
    assert FileVault(tmp_path / "vault").get(OBJECT) == b"tile"


def test_a_folder_that_cannot_be_listed_is_not_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects that cannot be seen are not passed over."""
    vault = FileVault(tmp_path, immutable=False)
    vault.put([(OBJECT, b"tile")], LATER)
    scan = os.scandir

    def refuse(path: str) -> object:
        if Path(path).name == "0":
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UnavailableError):
        list(vault.paths(""))


def clear_immutable(root: Path) -> None:
    """Take the immutable flag from every file below, as ``chattr -i`` does."""
    for path in root.rglob("*"):
        if path.is_file() and is_immutable(path):
            descriptor = os.open(path, os.O_RDONLY)
            flags = durable._flags(path) & ~durable._IMMUTABLE
            fcntl.ioctl(descriptor, durable._SET_FLAGS, struct.pack("l", flags))
            os.close(descriptor)


def test_where_the_file_system_can_objects_are_immutable(tmp_path: Path) -> None:
    """Not even root changes or removes one; the term can still be lengthened. Where it cannot, ``kept`` says so."""
    vault = FileVault(tmp_path / "vault")
    target = tmp_path / "vault" / OBJECT
    probe = tmp_path / "probe"
    probe.touch()
    try:
        possible = make_immutable(probe)
        for _ in range(2):
            vault.put([(OBJECT, b"tile")], LATER)
        vault.extend(OBJECT, LATEST)
        kept = vault.kept(OBJECT)
        assert kept is not None
        assert (kept.until, kept.locked) == (LATEST, possible)
        with pytest.raises(EvidenceError):
            vault.put([(OBJECT, b"other")], LATEST)
        if possible:
            for attempt in (target.unlink, partial(target.write_bytes, b"x"), partial(target.chmod, 0o600)):
                with pytest.raises(PermissionError):
                    attempt()
        assert vault.get(OBJECT) == b"tile"
    finally:
        clear_immutable(tmp_path)
    assert not any(is_immutable(path) for path in tmp_path.rglob("*") if path.is_file())
