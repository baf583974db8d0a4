from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.ledger.checkpoint import Checkpoint, sign_checkpoint
from ordertrail.ledger.hashing import leaf_hashes
from ordertrail.ledger.merkle import MemoryNodes, root
from ordertrail.ledger.policy import parse_policy
from ordertrail.ledger.proofs import prove_inclusion
from ordertrail.ledger.signers import Ed25519Cosigner, Ed25519Signer
from ordertrail.ledger.subtree import MAX_SIZE
from ordertrail.ledger.tlog_proof import (
    MAX_PROOF_SIZE,
    TlogProof,
    check_tlog_proof,
    format_tlog_proof,
    parse_tlog_proof,
)
from ordertrail.ledger.vkey import format_vkey
from shared_data import shared_json

LOG = Ed25519Signer("example.com/log", Ed25519PrivateKey.from_private_bytes(bytes(32)))
WITNESS = Ed25519Cosigner("witness.example", Ed25519PrivateKey.from_private_bytes(b"w" * 32), lambda: 99)
ENTRIES = [b"entry %d" % number for number in range(100)]
LEAVES = leaf_hashes(ENTRIES)
SIGNED = sign_checkpoint(Checkpoint("example.com/log", 100, root(LEAVES)), [LOG, WITNESS])

proofs = st.builds(
    TlogProof,
    st.integers(0, MAX_SIZE),
    st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple),
    st.binary(max_size=50).map(lambda data: data + b"\n"),
    st.none() | st.binary(min_size=1, max_size=50),
)


def proof_of(index: int) -> TlogProof:
    """The proof of an entry of the log above."""
    return TlogProof(index, prove_inclusion(index, 100, MemoryNodes(LEAVES)), SIGNED)


class TestFormat:
    """Proof files as bytes."""

    @given(proofs)
    def test_a_proof_reads_back(self, proof: TlogProof) -> None:
        """Writing and reading a proof is the identity."""
        assert parse_tlog_proof(format_tlog_proof(proof)) == proof

    @given(proofs, st.data())
    def test_what_is_accepted_is_written_the_same(self, proof: TlogProof, data: st.DataObject) -> None:
        """However a file is damaged: it is refused, or reads as exactly the bytes that it has."""
        whole = format_tlog_proof(proof)
        at = data.draw(st.integers(0, len(whole) - 1))
        damaged = whole[:at] + data.draw(st.binary(max_size=2)) + whole[at + 1 :]
        try:
            parsed = parse_tlog_proof(damaged)
        except InputError:
            return
        assert format_tlog_proof(parsed) == damaged

    def test_files_of_transparency_dev(self) -> None:
        """All ten files are accepted and refused as in Go, and written the same."""
        vectors = shared_json("vectors/literals/tlog_proof.json")
        assert len(vectors) == 10
        for vector in vectors:
            data = vector["proof"].encode()
            if vector["ok"]:
                assert format_tlog_proof(parse_tlog_proof(data)) == data
            else:
                with pytest.raises(InputError):
                    parse_tlog_proof(data)

    def test_what_is_no_proof_is_refused(self) -> None:
        """Strange headers, orders, numbers and ends, and what cannot be written."""
        head = b"c2sp.org/tlog-proof@v1\n"
        good = head + b"index 0\n\nc\n"
        assert parse_tlog_proof(good).checkpoint == b"c\n"
        for data in (
            b"", head, good[:-1], good[:-3], head + b"extra \nindex 0\n\nc\n", head + b"index 00\n\nc\n",
            head + b"index 0\nextra YQ==\n\nc\n", head + b"extra YQ==\nextra YQ==\nindex 0\n\nc\n",
            head + b"index %d\n\nc\n" % (MAX_SIZE + 1), head + b"index 0 \n\nc\n", head + b"index\n\nc\n",
            good.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + good, head + b"\xc3\xa9\n\nc\n",
            head + b"index 0\n" + (b"A" * 43 + b"=\n") * 64 + b"\nc\n", b" " * MAX_PROOF_SIZE + good,
        ):  # fmt: skip
            with pytest.raises(InputError):
                parse_tlog_proof(data)
        for arguments in ((-1, (), b"c\n"), (0, (b"short",), b"c\n"), (0, (), b""), (0, (), b"c\n", b"")):
            with pytest.raises(InputError):
                TlogProof(*arguments)


class TestCheck:
    """Proof files against what somebody signed."""

    @given(st.integers(0, 99), st.integers(0, 99))
    def test_an_entry_is_where_its_proof_says_and_nowhere_else(self, index: int, other: int) -> None:
        """Under the log's key a proof shows its own entry at its own index."""
        proof = parse_tlog_proof(format_tlog_proof(proof_of(index)))
        assert check_tlog_proof(proof, ENTRIES[index], LOG.key).checkpoint.size == 100
        if other != index:
            with pytest.raises(EvidenceError):
                check_tlog_proof(proof, ENTRIES[other], LOG.key)
            with pytest.raises(EvidenceError):
                check_tlog_proof(replace(proof, index=other), ENTRIES[index], LOG.key)

    def test_under_a_policy(self) -> None:
        """Under a policy the quorum is needed too, and its times come back."""
        logs = f"log {format_vkey(LOG.key)}\nwitness w {format_vkey(WITNESS.key)}\n"
        opened = check_tlog_proof(proof_of(5), ENTRIES[5], parse_policy(f"{logs}quorum w\n".encode()))
        assert [verified.time for verified in opened.verified] == [None, 99]
        alone = sign_checkpoint(opened.checkpoint, [LOG])
        with pytest.raises(EvidenceError, match="quorum"):
            check_tlog_proof(
                replace(proof_of(5), checkpoint=alone), ENTRIES[5], parse_policy(f"{logs}quorum w\n".encode())
            )

    def test_a_forged_checkpoint_is_refused(self) -> None:
        """Neither another key's signature, nor none, nor a checkpoint that is none, is believed."""
        with pytest.raises(EvidenceError):
            check_tlog_proof(proof_of(5), ENTRIES[5], WITNESS.key)
        forged = replace(proof_of(5), checkpoint=SIGNED.replace(b"\n100\n", b"\n101\n"))
        with pytest.raises(EvidenceError):
            check_tlog_proof(forged, ENTRIES[5], LOG.key)
        with pytest.raises(InputError):
            check_tlog_proof(replace(proof_of(5), checkpoint=b"c\n"), ENTRIES[5], LOG.key)
