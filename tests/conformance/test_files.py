"""Publication, lock and key ring as files keep their ports' promises, between processes too."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from ordertrail.adapters.files.keyring import FileKeyRing
from ordertrail.adapters.files.lock import FileLock
from ordertrail.adapters.files.publication import FilePublication
from ordertrail.kernel.errors import ConfigurationError, UnavailableError
from ordertrail.ledger.vkey import format_vkey
from ordertrail.testing.conformance.key_ring import NAME, KeyRingSuite
from ordertrail.testing.conformance.publication import VKEYS, PublicationSuite
from ordertrail.testing.conformance.sealing_lock import SealingLockSuite

NOW = 1_795_356_130


class TestFilePublication(PublicationSuite):
    """FilePublication."""

    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Callable[[], FilePublication]:
        """Open it once more."""
        return partial(FilePublication, tmp_path / "log")

    def test_the_keys_lie_beside_the_checkpoint(self, tmp_path: Path) -> None:
        """One a line, replaced with it, and nothing half-written is left."""
        publication = FilePublication(tmp_path)
        publication.publish(b"first", VKEYS[:1])
        publication.publish(b"second", VKEYS)
        assert (tmp_path / "keys.txt").read_text() == "".join(f"{vkey}\n" for vkey in VKEYS)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint", "keys.txt"]

    def test_a_folder_out_of_reach_is_unavailable(self, tmp_path: Path) -> None:
        """It may be mounted again; an unreadable checkpoint is not taken for none."""
        (tmp_path / "file").touch()
        publication = FilePublication(tmp_path / "file")
        with pytest.raises(UnavailableError):
            publication.publish(b"first", VKEYS)
        with pytest.raises(UnavailableError):
            publication.checkpoint()


class TestFileLock(SealingLockSuite):
    """FileLock."""

    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Callable[[], FileLock]:
        """Open it once more."""
        return partial(FileLock, tmp_path / "sealing.lock")

    def test_it_keeps_another_process_away_and_ends_with_it(self, tmp_path: Path) -> None:
        """Its holder is named; killed, it holds nothing any more."""
        path = tmp_path / "sealing.lock"
        holding = (
            "import sys; from pathlib import Path\n"
            "from ordertrail.adapters.files.lock import FileLock\n"
            "lock = FileLock(Path(sys.argv[1])); lock.acquire(); print('held', flush=True); sys.stdin.read()"
        )
        lock = FileLock(path)
        with subprocess.Popen(
            [sys.executable, "-c", holding, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"held\n"
            with pytest.raises(UnavailableError, match=f"^process {child.pid} on "):
                lock.acquire()
            child.kill()
            child.wait()
            lock.acquire()
        lock.release()

    def test_a_lock_file_out_of_reach_is_unavailable(self, tmp_path: Path) -> None:
        """Its folder is not there now."""
        with pytest.raises(UnavailableError):
            FileLock(tmp_path / "absent" / "sealing.lock").acquire()


class FileKeyRingSuite(KeyRingSuite):
    """FileKeyRing, with the passphrase that a subclass names."""

    passphrase: bytes | None

    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Callable[[], FileKeyRing]:
        """Open it once more."""
        return partial(FileKeyRing, tmp_path / "keys", self.passphrase, lambda: NOW)

    @pytest.fixture
    def cosigned(self, reopen: Callable[[], FileKeyRing]) -> FileKeyRing:
        """With a further key of this log, and one of another."""
        ring = reopen()
        ring.create_cosigner(NAME)
        ring.create_cosigner("elsewhere")
        return ring

    @pytest.fixture
    def unreachable(self, tmp_path: Path, reopen: Callable[[], FileKeyRing]) -> Callable[[str], FileKeyRing]:
        """Out of reach."""

        def move_away(_vkey: str) -> FileKeyRing:
            (tmp_path / "keys").rename(tmp_path / "away")
            return reopen()

        return move_away

    def test_keys_are_private_files(self, tmp_path: Path, reopen: Callable[[], FileKeyRing]) -> None:
        """Mode 0600 in a folder of mode 0700, and no half-written file beside them."""
        signer = reopen().create(NAME)
        (path,) = (tmp_path / "keys").iterdir()
        assert path.name == f"{signer.key.key_id.hex()}.pem"
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert (b"ENCRYPTED" in path.read_bytes()) == (self.passphrase is not None)

    def test_another_passphrase_does_not_open_a_key(
        self, tmp_path: Path, reopen: Callable[[], FileKeyRing]
    ) -> None:
        """An error of configuration, for trying again will not help. A plain key needs none, and takes any."""
        vkey = format_vkey(reopen().create(NAME).key)
        if self.passphrase is None:
            needless = FileKeyRing(tmp_path / "keys", b"needless", lambda: NOW)
            assert format_vkey(needless.signer(vkey).key) == vkey
            return
        for other in (b"wrong", None):
            with pytest.raises(ConfigurationError):
                FileKeyRing(tmp_path / "keys", other, lambda: NOW).signer(vkey)

    def test_a_file_that_holds_another_key_is_refused(
        self, tmp_path: Path, reopen: Callable[[], FileKeyRing]
    ) -> None:
        """A swapped file must not sign under a name that is not its own."""
        first, second = (reopen().create(NAME).key for _ in range(2))
        keys = tmp_path / "keys"
        (keys / f"{second.key_id.hex()}.pem").replace(keys / f"{first.key_id.hex()}.pem")
        with pytest.raises(ConfigurationError):
            reopen().signer(format_vkey(first))


class TestPlainKeyRing(FileKeyRingSuite):
    """FileKeyRing without a passphrase."""

    passphrase = None


class TestEncryptedKeyRing(FileKeyRingSuite):
    """FileKeyRing with a passphrase."""

    passphrase = b"correct horse"
