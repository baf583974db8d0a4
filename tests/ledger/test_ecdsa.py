"""ECDSA over P-256 in notes: Wycheproof's vectors, another log's checkpoints, and one spelling for everything."""

import json
import os
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    SECP384R1,
    derive_private_key,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from hypothesis import given, settings
from hypothesis import strategies as st

from ordertrail.kernel.errors import ConfigurationError, EvidenceError, InputError
from ordertrail.ledger.ecdsa import ORDER, SPKI_SIZE, der_of, format_spki, low_s, verify
from ordertrail.ledger.note import Note, Signature, parse_note, verify_note
from ordertrail.ledger.signers import RemoteSigner, sign_note, signature_by
from ordertrail.ledger.vkey import SignatureType, VerifierKey, format_vkey, parse_vkey
from shared_data import shared, shared_json

TEXT = b"example.com/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"

#: The key of sigstore's public log, rekor.sigstore.dev, as transparency-dev/formats quotes it.
REKOR = b64decode(
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2G2Y+2tabdTV5BcGiBIx0a9fAFwrkBbmLSGtks4L3qX6yYY0zufBnhC8Ur/iy55GhWP/"
    "9A/bY2LhC30M9+RYtw=="
)

secrets = st.integers(1, ORDER - 1)


def spki_of(secret: int) -> bytes:
    """Public key of a private one."""
    public = derive_private_key(secret, SECP256R1()).public_key()
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def signer_of(secret: int, name: str = "example.com/log") -> RemoteSigner:
    """A signer whose key is at hand, as if it were elsewhere."""
    private = derive_private_key(secret, SECP256R1())
    key = VerifierKey(name, SignatureType.ECDSA_P256, spki_of(secret))
    return RemoteSigner(key, lambda text: private.sign(text, ECDSA(SHA256())))


def cases(name: str, count: int) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each group and test of a Wycheproof file, of which there must be ``count``."""
    vectors = shared_json(f"vectors/wycheproof/testvectors_v1/{name}_test.json")
    found = [(group, test) for group in vectors["testGroups"] for test in group["tests"]]
    assert len(found) == vectors["numberOfTests"] == count
    yield from found


def is_good(spki: bytes, signature: bytes, message: bytes) -> bool:
    """Whether we take a signature."""
    try:
        verify(spki, signature, message)
    except (InputError, InvalidSignature):
        return False
    return True


class TestVectors:
    """Project Wycheproof's."""

    def test_signatures_in_der(self) -> None:
        """Good ones with a low s verify, and no others: no BER, no padding, nothing out of range, no twin."""
        twins = 0
        for group, test in cases("ecdsa_secp256r1_sha256", 484):
            spki, message, signature = map(bytes.fromhex, (group["publicKeyDer"], test["msg"], test["sig"]))
            expected = test["result"] == "valid"
            if expected and decode_dss_signature(signature)[1] > ORDER // 2:
                twins += 1
                assert is_good(spki, low_s(signature), message), test
                expected = False
            assert is_good(spki, signature, message) == expected, test
        assert twins > 20

    def test_signatures_as_tokens_make_them(self) -> None:
        """Each good ``r || s`` verifies once it is DER; no bad one does."""
        total = shared_json("vectors/wycheproof/testvectors_v1/ecdsa_secp256r1_sha256_p1363_test.json")
        for group, test in cases("ecdsa_secp256r1_sha256_p1363", total["numberOfTests"]):
            spki, message, raw = map(bytes.fromhex, (group["publicKeyDer"], test["msg"], test["sig"]))
            try:
                good = is_good(spki, der_of(raw), message)
            except InputError:
                good = False
            assert good == (test["result"] == "valid"), test


class TestOtherLogs:
    """What the rest of the world signs by type 0x02."""

    def test_a_key_id_is_the_hash_of_the_key_alone(self) -> None:
        """Rekor's is the beginning of its published log id; the name is not in it."""
        for name in ("rekor.sigstore.dev", "another.example"):
            key = VerifierKey(name, SignatureType.ECDSA_P256, REKOR)
            assert key.key_id.hex() == "c0d23d6a"
            assert parse_vkey(format_vkey(key)) == key
        with pytest.raises(InputError, match="has the id c0d23d6a"):
            parse_vkey(format_vkey(key).replace("c0d23d6a", "12345678"))

    def test_rekors_checkpoints(self) -> None:
        """Those of sigstore's conformance suite: each verifies in its one spelling, and not in the other."""
        key = VerifierKey("rekor.sigstore.dev", SignatureType.ECDSA_P256, REKOR)
        good = set()
        for note in rekor_checkpoints():
            (signature,) = (one for one in note.signatures if one.key_id == key.key_id)
            ours = Signature(signature.name, signature.key_id, low_s(signature.blob))
            verify_note(Note(note.text, (ours,)), [key])
            if ours != signature:
                with pytest.raises(EvidenceError):
                    verify_note(note, [key])
            good.add(ours == signature)
            with pytest.raises(EvidenceError):
                verify_note(Note(note.text + b"x\n", (ours,)), [key])
        assert good == {True, False}

    def test_openssl_verifies_ours(self, tmp_path: Path) -> None:
        """A signature is an ordinary one over the text, once the line's base64 and key id are off."""
        if which("openssl") is None:
            if os.environ.get("CI") == "true":
                pytest.fail("openssl is not installed")
            pytest.skip("openssl is not installed")
        signer = signer_of(7)
        public = load_der_public_key(signer.key.public)
        (tmp_path / "key").write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        (tmp_path / "signature").write_bytes(signature_by(signer, TEXT).blob)
        (tmp_path / "text").write_bytes(TEXT)
        command = ["openssl", "dgst", "-sha256", "-verify", "key", "-signature", "signature", "text"]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)


def rekor_checkpoints() -> Iterator[Note]:
    """The notes of rekor.sigstore.dev in sigstore's conformance suite."""
    folder = shared("vectors/sigstore-conformance/test/assets/bundle-verify")
    for path in sorted(folder.rglob("bundle.sigstore.json")):
        if path.parent.name.endswith("_fail"):
            continue  # broken on purpose
        for entry in json.loads(path.read_text()).get("verificationMaterial", {}).get("tlogEntries", ()):
            envelope = entry.get("inclusionProof", {}).get("checkpoint", {}).get("envelope", "")
            if envelope.startswith("rekor.sigstore.dev - "):
                note = parse_note(envelope.encode())
                if any(one.key_id.hex() == "c0d23d6a" for one in note.signatures):
                    yield note


class TestSpelling:
    """One spelling of a key, and one of a signature."""

    @settings(deadline=None, max_examples=25)
    @given(secrets)
    def test_a_key_reads_back(self, secret: int) -> None:
        """As a line of text, and from its point."""
        spki = spki_of(secret)
        key = VerifierKey("a", SignatureType.ECDSA_P256, spki)
        assert parse_vkey(format_vkey(key)) == key
        assert format_spki(spki[-65:]) == spki
        assert len(spki) == SPKI_SIZE

    def test_a_key_with_any_byte_changed_is_none(self) -> None:
        """Another curve, another form, a point off the curve: refused before anything is verified by it."""
        spki = spki_of(7)
        for index in range(len(spki)):
            changed = bytearray(spki)
            changed[index] ^= 1
            with pytest.raises(InputError):
                VerifierKey("a", SignatureType.ECDSA_P256, bytes(changed))

    def test_keys_of_other_kinds_are_none(self) -> None:
        """P-384, a compressed point, too little and too much."""
        other = generate_private_key(SECP384R1()).public_key()
        compressed = derive_private_key(7, SECP256R1()).public_key()
        for public in (
            other.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            compressed.public_bytes(Encoding.X962, PublicFormat.CompressedPoint),
            spki_of(7)[:-1],
            spki_of(7) + b"\x00",
            b"",
        ):
            with pytest.raises(InputError):
                VerifierKey("a", SignatureType.ECDSA_P256, public)

    @settings(deadline=None, max_examples=25)
    @given(secrets, st.binary(max_size=200))
    def test_a_signature_has_no_twin(self, secret: int, extra: bytes) -> None:
        """Of (r, s) and (r, n - s) one is good, and nothing behind, before or between them is."""
        text = TEXT + extra.hex().encode() + b"\n"
        signer = signer_of(secret)
        (good,) = sign_note(text, [signer]).signatures
        (verified,) = verify_note(Note(text, (good,)), [signer.key])
        assert verified.time is None
        r, s = decode_dss_signature(good.blob)
        assert s <= ORDER // 2
        for blob in (
            encode_dss_signature(r, ORDER - s),
            encode_dss_signature(r, s + ORDER),
            good.blob + b"\x00",
            good.blob[:1] + b"\x81" + good.blob[1:],
            good.blob[:-1],
            encode_dss_signature(0, s),
            encode_dss_signature(r, 0),
            b"\x00",
        ):
            with pytest.raises(EvidenceError):
                verify_note(Note(text, (Signature(good.name, good.key_id, blob),)), [signer.key])

    def test_a_signature_with_any_byte_changed_is_none(self) -> None:
        """Each byte of it counts."""
        signer = signer_of(7)
        good = signature_by(signer, TEXT)
        for index in range(len(good.blob)):
            changed = bytearray(good.blob)
            changed[index] ^= 1
            with pytest.raises(EvidenceError):
                verify_note(Note(TEXT, (Signature(good.name, good.key_id, bytes(changed)),)), [signer.key])

    def test_what_no_token_makes_is_refused(self) -> None:
        """Raw signatures of another length, or with an r or s that is none."""
        one = (1).to_bytes(32, "big")
        for raw in (b"", one, one + one[1:], one + one + b"\x00", bytes(32) + one, one + b"\xff" * 32):
            with pytest.raises(InputError):
                der_of(raw)
        assert decode_dss_signature(der_of(one + (ORDER - 1).to_bytes(32, "big"))) == (1, 1)


class TestRemoteSigner:
    """A signer whose key nobody here has seen."""

    def test_what_signs_with_another_key_signs_nothing(self) -> None:
        """Nor does what answers with garbage: the error says what it means and what to do."""
        ours, theirs = signer_of(7), signer_of(8)
        for signing in (theirs.signing, lambda _text: b"", lambda _text: b"\x30\x00", lambda text: text):
            with pytest.raises(ConfigurationError, match="another key, or is faulty") as caught:
                RemoteSigner(ours.key, signing).sign(TEXT)
            assert "waits in the journal" in caught.value.meaning

    def test_two_logs_may_share_a_key(self) -> None:
        """The id is the same, and the name tells them apart."""
        ours, theirs = signer_of(7), signer_of(7, "example.com/other")
        assert ours.key.key_id == theirs.key.key_id
        note = sign_note(TEXT, [ours, theirs])
        assert [one.key for one in verify_note(note, [theirs.key])] == [theirs.key]
