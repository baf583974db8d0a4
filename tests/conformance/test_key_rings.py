"""Several key rings as one, and a log that is rotated through all of them."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from ordertrail.adapters.files.keyring import FileKeyRing
from ordertrail.adapters.kms.aws import AwsKms
from ordertrail.adapters.kms.keyring import KmsKeyRing
from ordertrail.adapters.memory.entries import MemoryEntries
from ordertrail.adapters.memory.journal import MemoryJournal
from ordertrail.adapters.memory.lock import LockPlace, MemoryLock
from ordertrail.adapters.memory.publication import MemoryPublication
from ordertrail.adapters.memory.tables import MemoryTables
from ordertrail.adapters.memory.tiles import MemoryTiles
from ordertrail.adapters.pkcs11.keyring import Pkcs11KeyRing
from ordertrail.adapters.pkcs11.module import open_module
from ordertrail.kernel.clock import parse_time
from ordertrail.kernel.errors import ConfigurationError, EvidenceError, UnavailableError
from ordertrail.ledger.checkpoint import open_checkpoint
from ordertrail.ledger.key_rings import CheckedKeyRing, KeyRings
from ordertrail.ledger.note import parse_note, verify_note
from ordertrail.ledger.ports import KeyPeriod, KeyRing
from ordertrail.ledger.rotation import LogIdentity, check_keys, first_statement
from ordertrail.ledger.sequencer import Log, Sequencer, Step, sequencing
from ordertrail.ledger.vkey import SignatureType, format_vkey, parse_vkey
from ordertrail.record.event import Actor
from ordertrail.testing.conformance.key_ring import NAME, KeyRingSuite
from ordertrail.testing.conformance.samples import RECORDED, STREAM, several
from servers.hsm import PIN, Token, soft_hsm
from servers.kms import key_service

ACTOR = Actor("operator-3", "person")
IDENTITY = LogIdentity(STREAM, NAME, 2_557, RECORDED)
NOW = parse_time(RECORDED)


@pytest.fixture
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Token]:
    """An empty token."""
    with soft_hsm(tmp_path_factory.mktemp("hsm")) as hsm:
        yield hsm.token("key rings")


@pytest.fixture
def service() -> Iterator[str]:
    """A key management service."""
    with key_service() as address:
        yield address


def file_ring(tmp_path: Path) -> FileKeyRing:
    """Key files."""
    return FileKeyRing(tmp_path / "keys", b"correct horse", lambda: 1_795_356_130)


class TestKeyRings(KeyRingSuite):
    """KeyRings over key files and a token, new keys in the token."""

    secrets = (PIN.decode(), "correct horse")

    @pytest.fixture
    def reopen(self, tmp_path: Path, token: Token) -> Callable[[], KeyRing]:
        """Open them once more."""

        def reopen() -> KeyRing:
            hardware = Pkcs11KeyRing(token.module, token.label, PIN)
            return KeyRings([file_ring(tmp_path), hardware], creating=hardware)

        return reopen

    @pytest.fixture
    def cosigned(self, tmp_path: Path, reopen: Callable[[], KeyRing]) -> KeyRing:
        """The files hold ML-DSA-44 keys."""
        for name in (NAME, "elsewhere"):
            file_ring(tmp_path).create_cosigner(name)
        return reopen()

    @pytest.fixture
    def unreachable(self, token: Token, reopen: Callable[[], KeyRing]) -> Callable[[str], KeyRing]:
        """Take the token out."""

        def take_out(_vkey: str) -> KeyRing:
            token.remove()
            return reopen()

        return take_out


class TestLookingUp:
    """Which ring is asked, and what is told where none can."""

    def test_a_token_is_not_asked_for_a_key_that_is_a_file(self, tmp_path: Path, token: Token) -> None:
        """Before the rotation, a wrong PIN or a missing token keeps nobody from sealing."""
        files = file_ring(tmp_path)
        vkey = format_vkey(files.create(NAME).key)
        for hardware in (
            Pkcs11KeyRing(token.module, token.label, b"wrong"),
            Pkcs11KeyRing(token.module, "no such token", PIN),
            Pkcs11KeyRing(Path("/nowhere.so"), token.label, PIN),
        ):
            rings = KeyRings([files, hardware], creating=hardware)
            assert rings.signer(vkey).sign(b"text\n")
            assert rings.problems(vkey) == []
            assert rings.encrypted(vkey)
            with pytest.raises(ConfigurationError):
                rings.create(NAME)

    def test_the_ring_that_has_the_key_says_why_it_does_not_sign(self, tmp_path: Path, token: Token) -> None:
        """And no other has a say."""
        vkey = format_vkey(Pkcs11KeyRing(token.module, token.label, PIN).create(NAME).key)
        locked = Pkcs11KeyRing(token.module, token.label, b"wrong")
        with pytest.raises(ConfigurationError, match=r"^signer\.pin_file .* refused this PIN$"):
            KeyRings([file_ring(tmp_path), locked], creating=locked).signer(vkey)

    def test_where_no_ring_has_the_key_what_is_set_up_wrongly_is_told_first(
        self, tmp_path: Path, token: Token
    ) -> None:
        """All rings are named, and the remedy is for what is wrong."""
        vkey = format_vkey(Pkcs11KeyRing(token.module, token.label, PIN).create(NAME).key)
        absent = Pkcs11KeyRing(token.module, "no such token", PIN)
        with pytest.raises(ConfigurationError, match=r"^signer\.token: .*; the private key .*pem") as caught:
            KeyRings([file_ring(tmp_path), absent], creating=absent).signer(vkey)
        assert "Correct signer.token" in caught.value.remedy

    def test_a_file_is_looked_at_wherever_new_keys_are_made(self, tmp_path: Path, token: Token) -> None:
        """A key file that others can read is told, token or not."""
        files, hardware = file_ring(tmp_path), Pkcs11KeyRing(token.module, token.label, PIN)
        key = files.create(NAME).key
        (tmp_path / "keys" / f"{key.key_id.hex()}.pem").chmod(0o644)
        (problem,) = KeyRings([files, hardware], creating=hardware).problems(format_vkey(key))
        assert "can be read by others" in problem

    def test_problems_are_told_where_no_ring_has_the_key(self, tmp_path: Path, token: Token) -> None:
        """By each ring that ought to have it; a ring that cannot say keeps the others silent."""
        files, hardware = file_ring(tmp_path), Pkcs11KeyRing(token.module, token.label, PIN)
        files.create("another.example/log")
        stranger = format_vkey(Pkcs11KeyRing(token.module, token.label, PIN, prefix="x").create(NAME).key)
        ours = format_vkey(hardware.create(NAME).key)
        rings = KeyRings([files, hardware], creating=hardware)
        assert len(rings.problems(stranger)) == 2
        assert rings.problems(ours) == []
        for elsewhere in (
            Pkcs11KeyRing(token.module, token.label, None),
            Pkcs11KeyRing(Path("/no.so"), "t", PIN),
        ):
            assert KeyRings([files, elsewhere], creating=elsewhere).problems(ours) == []
        assert not rings.encrypted(stranger)


class TestRotation:
    """A log whose key moves from files into hardware, into a cloud, and back."""

    @pytest.fixture
    def files(self, tmp_path: Path) -> FileKeyRing:
        """Where the log's first key is."""
        return file_ring(tmp_path)

    @pytest.fixture
    def tables(self, files: FileKeyRing) -> MemoryTables:
        """The log's tables, with its first key."""
        tables = MemoryTables(STREAM)
        signer = files.create(NAME)
        with tables.stream(STREAM) as rows:
            rows.keys.append(KeyPeriod(0, format_vkey(signer.key), first_statement(IDENTITY, signer)))
        return tables

    @pytest.fixture
    def log(self, tables: MemoryTables) -> Callable[[KeyRing], Log]:
        """The log, signed for by these keys."""
        entries, tiles, publication = MemoryEntries(tables), MemoryTiles(), MemoryPublication()
        return lambda keys: Log(
            STREAM, NAME, MemoryJournal(tables), entries, entries, tiles, publication, keys,
            MemoryLock(LockPlace(), "a test"),
        )  # fmt: skip

    def test_through_every_signer(
        self, files: FileKeyRing, token: Token, service: str, log: Callable[[KeyRing], Log]
    ) -> None:
        """File, token, token with ECDSA, cloud, file: whoever knows the first key follows to the last."""
        hardware = partial(Pkcs11KeyRing, token.module, token.label, PIN)
        cloud = KmsKeyRing(AwsKms(endpoint=service))
        steps: list[tuple[CheckedKeyRing, SignatureType]] = [
            (hardware(), SignatureType.ED25519),
            (hardware(key_type=SignatureType.ECDSA_P256), SignatureType.ECDSA_P256),
            (cloud, SignatureType.ECDSA_P256),
            (files, SignatureType.ED25519),
        ]
        rings: list[CheckedKeyRing] = [files, hardware(), cloud]
        for number, (creating, expected) in enumerate(steps):
            ours = log(KeyRings(rings, creating=creating))
            with sequencing(ours, lambda: NOW) as sequencer:
                ours.journal.append(STREAM, several(3 * number, 3))
                sequencer.seal()
                period = sequencer.rotate(ACTOR)
            assert parse_vkey(period.vkey).type is expected
        self._require_followed(ours)

    def _require_followed(self, log: Log) -> None:
        periods = log.store.keys(STREAM)
        check_keys(IDENTITY, periods)
        with pytest.raises(EvidenceError):
            check_keys(IDENTITY, [periods[0], *periods[2:]])
        keys = [parse_vkey(period.vkey) for period in periods]
        entering = {period.first: index for index, period in enumerate(periods)}
        batches = list(log.reader.batches(STREAM))
        assert len(batches) == 2 * (len(keys) - 1)
        for batch in batches:
            verified = verify_note(parse_note(batch.checkpoint), keys)
            if batch.end in entering:
                index = entering[batch.end]
                assert [one.key for one in verified] == keys[index - 1 : index + 1]
            else:
                assert len(verified) == 1
        published = log.publication.checkpoint()
        assert published is not None
        assert open_checkpoint(published, keys[-1]).checkpoint.size == batches[-1].end

    @pytest.mark.parametrize("stop", [Step.SIGN, Step.COMMIT])
    def test_a_stop_before_the_commit_leaves_an_unused_key(
        self, files: FileKeyRing, token: Token, log: Callable[[KeyRing], Log], stop: Step
    ) -> None:
        """In the token, and nothing else: the old key goes on, and the next rotation is done."""
        hardware = Pkcs11KeyRing(token.module, token.label, PIN)
        ours = log(KeyRings([files, hardware], creating=hardware))

        def die(step: Step) -> None:
            if step is stop:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt), sequencing(ours, lambda: NOW, die) as sequencer:
            sequencer.rotate(ACTOR)
        assert len(ours.store.keys(STREAM)) == 1
        assert _keys_in(token) == 1
        with sequencing(ours, lambda: NOW) as sequencer:
            ours.journal.append(STREAM, several(0, 3))
            assert sequencer.seal() == 3
            sequencer.rotate(ACTOR)
        assert _keys_in(token) == 2
        check_keys(IDENTITY, ours.store.keys(STREAM))

    def test_a_token_that_goes_keeps_no_event_out(
        self, files: FileKeyRing, token: Token, log: Callable[[KeyRing], Log]
    ) -> None:
        """Events wait in the journal, and are sealed when it is back."""
        hardware = Pkcs11KeyRing(token.module, token.label, PIN)
        ours = log(KeyRings([files, hardware], creating=hardware))
        with sequencing(ours, lambda: NOW) as sequencer:
            sequencer.rotate(ACTOR)
            token.remove()
            with open_module(token.module) as module:
                module.restart()
            ours.journal.append(STREAM, several(0, 5))
            with pytest.raises(UnavailableError, match="it was removed"):
                sequencer.seal()
        again = Pkcs11KeyRing(token.module, token.label, PIN)
        with pytest.raises(UnavailableError, match="it was removed"):
            Sequencer(log(KeyRings([files, again], creating=again)), lambda: NOW)
        assert ours.journal.waiting(STREAM) == 5
        token.insert()
        with sequencing(ours, lambda: NOW) as sequencer:
            assert sequencer.seal() == 5

    def test_what_an_ecdsa_key_signed_is_verified_with_cryptography_alone(
        self, files: FileKeyRing, token: Token, log: Callable[[KeyRing], Log], tmp_path: Path
    ) -> None:
        """The offline verifier imports nothing that has to do with tokens, clouds or networks."""
        hardware = Pkcs11KeyRing(token.module, token.label, PIN, key_type=SignatureType.ECDSA_P256)
        ours = log(KeyRings([files, hardware], creating=hardware))
        with sequencing(ours, lambda: NOW) as sequencer:
            period = sequencer.rotate(ACTOR)
        (tmp_path / "checkpoint").write_bytes(ours.publication.checkpoint() or b"")
        program = (
            "import sys; from pathlib import Path\n"
            "from ordertrail.ledger.checkpoint import open_checkpoint\n"
            "from ordertrail.ledger.vkey import parse_vkey\n"
            "import ordertrail.ledger.verify.offline\n"
            "open_checkpoint(Path(sys.argv[1]).read_bytes(), parse_vkey(sys.argv[2]))\n"
            "strangers = {'pkcs11', 'asn1crypto', 'boto3', 'httpx', 'rfc3161_client', 'sqlalchemy'}\n"
            "sys.exit(bool(strangers & set(sys.modules)))\n"
        )
        command = [sys.executable, "-c", program, str(tmp_path / "checkpoint"), period.vkey]
        subprocess.run(command, check=True, timeout=60)


def _keys_in(token: Token) -> int:
    import pkcs11

    private = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY}
    with open_module(token.module) as module:
        return len(list(module.session(token.label, PIN).get_objects(private)))
