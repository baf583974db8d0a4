import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.ledger.checkpoint import (
    Checkpoint,
    format_checkpoint,
    open_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
)
from ordertrail.ledger.checkpoint_text import parse_decimal
from ordertrail.ledger.signers import Ed25519Cosigner, Ed25519Signer, MlDsa44Cosigner
from ordertrail.ledger.subtree import MAX_SIZE
from shared_data import shared_json

LOG = Ed25519Signer("example.com/log", Ed25519PrivateKey.from_private_bytes(bytes(32)))
OTHER = Ed25519Signer("example.com/other", Ed25519PrivateKey.from_private_bytes(b"o" * 32))
POST_QUANTUM = MlDsa44Cosigner("example.com/log", MLDSA44PrivateKey.from_seed_bytes(bytes(32)), lambda: 7)
WITNESS = Ed25519Cosigner("witness.example", Ed25519PrivateKey.from_private_bytes(b"w" * 32), lambda: 99)
CHECKPOINT = Checkpoint("example.com/log", 3, b"r" * 32)

CONTROLS = "".join(map(chr, range(32)))
lines = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=CONTROLS), min_size=1, max_size=30
)
checkpoints = st.builds(
    Checkpoint,
    lines,
    st.integers(0, MAX_SIZE),
    st.binary(min_size=32, max_size=32),
    st.lists(lines, max_size=3).map(tuple),
)


class TestText:
    """The text of a checkpoint."""

    @given(checkpoints)
    def test_a_checkpoint_reads_back(self, checkpoint: Checkpoint) -> None:
        """Writing and reading a checkpoint is the identity."""
        assert parse_checkpoint(format_checkpoint(checkpoint)) == checkpoint

    @given(checkpoints, st.data())
    def test_what_is_accepted_is_written_the_same(self, checkpoint: Checkpoint, data: st.DataObject) -> None:
        """However a text is damaged: it is refused, or reads as exactly the bytes that it has."""
        whole = format_checkpoint(checkpoint)
        at = data.draw(st.integers(0, len(whole) - 1))
        damaged = whole[:at] + data.draw(st.binary(max_size=2)) + whole[at + 1 :]
        try:
            parsed = parse_checkpoint(damaged)
        except InputError:
            return
        assert format_checkpoint(parsed) == damaged

    def test_bodies_of_other_implementations(self) -> None:
        """Bodies are accepted and refused as by Go, except those whose hash is not of 32 bytes.

        transparency-dev/formats knows no hash function and takes any; a SHA-256 root has 32 bytes.
        """
        vectors = shared_json("vectors/literals/checkpoint_body.json")
        assert len(vectors) == 12
        differences = []
        for vector in vectors:
            body = vector["body"].encode()
            try:
                assert format_checkpoint(parse_checkpoint(body)) == body
                accepted = True
            except InputError:
                accepted = False
            if accepted != vector["ok"]:
                differences.append((vector["desc"], accepted))
        assert differences == [
            ("valid one (hash not 32 bytes: formats accepts; C2SP/SHA-256 verifier should refuse)", False),
            ("with one extension line", False),
        ]
        extended = b"Log\n9944\n" + format_checkpoint(CHECKPOINT).split(b"\n")[2]
        extended += b"\nHere's some associated data.\n"
        assert parse_checkpoint(extended).extensions == ("Here's some associated data.",)

    def test_what_is_no_checkpoint_is_refused(self) -> None:
        """Missing, empty or strange lines, sizes that are not canonical, and other roots."""
        root = format_checkpoint(CHECKPOINT).decode().split("\n")[2]
        for text in (
            "", "\n", "a\n1\n", f"\n1\n{root}\n", f"a\n1\n{root}", f"a\n1\n{root}\n\n",
            f"a\n1\n{root}\n\nb\n",
            f"a\n01\n{root}\n", f"a\n+1\n{root}\n", f"a\n1 \n{root}\n", f"a\n\n{root}\n", f"a\n1_0\n{root}\n",
            f"a\n\u0661\n{root}\n", f"a\n{MAX_SIZE + 1}\n{root}\n", f"a\n{'9' * 10_000}\n{root}\n",
            f"a\n1\n{root[:-4]}\n", f"a\r\n1\n{root}\n", f"a\n1\n{root} \n",
        ):  # fmt: skip
            with pytest.raises(InputError):
                parse_checkpoint(text.encode())
        with pytest.raises(InputError):
            parse_checkpoint(b"\xff\n1\n" + root.encode() + b"\n")
        assert parse_decimal(str(MAX_SIZE)) == MAX_SIZE

    def test_values_that_cannot_be_written_are_refused(self) -> None:
        """No checkpoint can be made that would not read back."""
        for arguments in (
            ("", 1, bytes(32)),
            ("a\nb", 1, bytes(32)),
            ("a", -1, bytes(32)),
            ("a", MAX_SIZE + 1, bytes(32)),
            ("a", 1, bytes(31)),
            ("a", 1, bytes(32), ("",)),
            ("a", 1, bytes(32), ("x\ty",)),
        ):
            with pytest.raises(InputError):
                Checkpoint(*arguments)


class TestOpen:
    """Signed checkpoints."""

    def test_what_was_signed_is_opened_with_its_witnesses(self) -> None:
        """The log's signature is required, the witness's found, with its time."""
        data = sign_checkpoint(CHECKPOINT, [LOG, WITNESS])
        opened = open_checkpoint(data, LOG.key, [WITNESS.key])
        assert opened.checkpoint == CHECKPOINT
        witnessed = opened.by(WITNESS.key)
        assert witnessed is not None
        assert witnessed.time == 99
        assert opened.by(OTHER.key) is None
        assert open_checkpoint(data, LOG.key).by(WITNESS.key) is None

    def test_the_log_itself_must_have_signed(self) -> None:
        """Witnesses alone do not make a checkpoint, nor does another log's key, nor another's origin."""
        with pytest.raises(EvidenceError):
            open_checkpoint(sign_checkpoint(CHECKPOINT, [WITNESS]), LOG.key, [WITNESS.key])
        with pytest.raises(EvidenceError):
            open_checkpoint(sign_checkpoint(CHECKPOINT, [OTHER]), LOG.key)
        with pytest.raises(EvidenceError, match=r"not of 'example\.com/other'"):
            open_checkpoint(sign_checkpoint(CHECKPOINT, [OTHER]), OTHER.key)
        named = open_checkpoint(sign_checkpoint(CHECKPOINT, [OTHER]), OTHER.key, origin="example.com/log")
        assert named.checkpoint == CHECKPOINT

    def test_a_text_that_is_no_checkpoint_is_refused(self) -> None:
        """A good signature over some other text does not make it a checkpoint."""
        data = sign_checkpoint(CHECKPOINT, [LOG]).replace(b"\n3\n", b"\n4\n")
        with pytest.raises(EvidenceError):
            open_checkpoint(data, LOG.key)
        with pytest.raises(InputError):
            open_checkpoint(b"nothing\n", LOG.key)
        with pytest.raises(InputError):
            sign_checkpoint(CHECKPOINT, [])

    def test_ml_dsa_alone_does_not_open_extension_lines(self) -> None:
        """Its signature leaves them out, so anybody could have written them."""
        extended = Checkpoint("example.com/log", 3, b"r" * 32, ("an extension",))
        assert open_checkpoint(sign_checkpoint(CHECKPOINT, [POST_QUANTUM]), POST_QUANTUM.key)
        assert open_checkpoint(sign_checkpoint(extended, [LOG, POST_QUANTUM]), LOG.key, [POST_QUANTUM.key])
        with pytest.raises(EvidenceError, match="extension lines"):
            open_checkpoint(sign_checkpoint(extended, [POST_QUANTUM]), POST_QUANTUM.key)

    def test_of_several_cosignatures_the_latest_counts(self) -> None:
        """A witness that cosigned twice vouches for the later time."""
        earlier = Ed25519Cosigner(WITNESS.name, WITNESS.private_key, lambda: 5)
        opened = open_checkpoint(sign_checkpoint(CHECKPOINT, [LOG, WITNESS, earlier]), LOG.key, [WITNESS.key])
        assert len(opened.verified) == 3
        found = opened.by(WITNESS.key)
        assert found is not None
        assert found.time == 99
