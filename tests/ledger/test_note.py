from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.ledger.checkpoint import Checkpoint, format_checkpoint
from ordertrail.ledger.cosignature import cosigned_message, timed_text
from ordertrail.ledger.note import (
    MAX_NOTE_SIZE,
    MAX_SIGNATURES,
    Note,
    Signature,
    format_note,
    parse_note,
    verify_note,
)
from ordertrail.ledger.signers import (
    Ed25519Cosigner,
    Ed25519Signer,
    MlDsa44Cosigner,
    NoteSigner,
    format_skey,
    parse_skey,
    sign_note,
)
from ordertrail.ledger.vkey import SignatureType, VerifierKey, format_vkey, parse_base64, parse_vkey
from shared_data import shared_json

NOW = 1_679_315_147
TEXT = format_checkpoint(Checkpoint("example.com/log", 20852163, bytes(range(32))))
SEED = bytes(range(32))
SIGNERS: tuple[NoteSigner, ...] = (
    Ed25519Signer("example.com/log", Ed25519PrivateKey.from_private_bytes(SEED)),
    Ed25519Cosigner("witness.example/w1", Ed25519PrivateKey.from_private_bytes(SEED[::-1]), lambda: NOW),
    MlDsa44Cosigner("witness.example/w2", MLDSA44PrivateKey.from_seed_bytes(SEED), lambda: NOW),
)
PETER_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SKEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"

# Every space of Unicode, as its White_Space property lists them, and what else no name has.
NOT_IN_NAMES = "".join(map(chr, [*range(0x21), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029]))
NOT_IN_NAMES += "\u202f\u205f\u3000+"
CONTROLS = "".join(map(chr, range(32)))
names = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=NOT_IN_NAMES), min_size=1, max_size=20
)
lines = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=CONTROLS), max_size=30)
texts = st.lists(lines, min_size=1, max_size=5).map(
    lambda some: "".join(f"{line}\n" for line in some).encode()
)
key_ids = st.binary(min_size=4, max_size=4)
signatures = st.builds(Signature, names, key_ids, st.binary(min_size=1, max_size=80))
notes = st.builds(Note, texts, st.lists(signatures, min_size=1, max_size=4).map(tuple))


def vectors(part: str) -> list[dict[str, Any]]:
    """One part of the vectors of golang.org/x/mod, C2SP, tessera, sunlight, torchwood and sigsum."""
    found: list[dict[str, Any]] = shared_json("vectors/literals/signed_note.json")[part]
    return found


def outcome(data: bytes, keys: list[VerifierKey]) -> tuple[str, list[str]]:
    """What became of a note, in the vectors' words."""
    try:
        note = parse_note(data)
    except InputError:
        return "malformed", []
    assert format_note(note) == data
    try:
        return "ok", [verified.key.name for verified in verify_note(note, keys)]
    except InputError:
        return "ambiguous", []
    except EvidenceError as error:
        return ("unverified" if "no signature by a known key" in str(error) else "invalid-signature"), []


class TestVectors:
    """Notes of other implementations."""

    def test_notes_are_judged_as_others_do(self) -> None:
        """All 38 notes are verified, refused or ignored as their authors say, and written the same."""
        verify = vectors("verify")
        assert len(verify) == 38
        for vector in verify:
            data = bytes.fromhex(vector["note_hex"]) if "note_hex" in vector else vector["note"].encode()
            keys = list(map(parse_vkey, vector["vkeys"]))
            assert outcome(data, keys) == (vector["result"], vector["verified"]), vector["name"]

    def test_signing_gives_the_same_bytes(self) -> None:
        """Ed25519 is deterministic: the three notes come out byte for byte."""
        sign = vectors("sign")
        assert len(sign) == 3
        for vector in sign:
            if "skey" in vector:
                signer = parse_skey(vector["skey"])
                assert format_skey(signer) == vector["skey"]
            else:
                private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(vector["seed_hex"]))
                signer = Ed25519Signer(vector["key_name"], private)
            assert format_note(sign_note(vector["text"].encode(), [signer])) == vector["note"].encode()

    def test_verifier_keys(self) -> None:
        """The six keys read back the same, and the two bad ones are refused."""
        assert len(vectors("key_ids")) == 6
        for vector in vectors("key_ids"):
            assert format_vkey(parse_vkey(vector["vkey"])) == vector["vkey"]
        for bad in shared_json("vectors/literals/signed_note.json")["bad_vkeys"]:
            with pytest.raises(InputError):
                parse_vkey(bad)


class TestKeys:
    """Verifier and private keys as text."""

    @pytest.mark.parametrize("parse", [parse_vkey, parse_skey])
    def test_every_part_and_every_mangling_is_refused(self, parse: Any) -> None:
        """No substring of a key, and none with a byte raised by one, is a key."""
        whole = PETER_VKEY if parse is parse_vkey else PETER_SKEY
        parse(whole)
        for cut in range(len(whole)):
            for part in (whole[:cut], whole[cut + 1 :], whole[:cut] + whole[cut + 1 :]):
                with pytest.raises(InputError):
                    parse(part)
            mangled = whole[:cut] + chr(ord(whole[cut]) + 1) + whole[cut + 1 :]
            with pytest.raises(InputError):
                parse(mangled)

    @given(names, st.sampled_from(sorted(set(SignatureType) - {SignatureType.ECDSA_P256})), st.data())
    def test_a_verifier_key_reads_back(self, name: str, type_: SignatureType, data: st.DataObject) -> None:
        """Writing and reading a key is the identity; of type 0x02, see the tests of ECDSA."""
        public = data.draw(st.binary(min_size=type_.key_size, max_size=type_.key_size))
        key = VerifierKey(name, type_, public)
        assert parse_vkey(format_vkey(key)) == key

    def test_a_private_key_is_not_shown(self) -> None:
        """Neither a signer's representation nor a refusal quotes the secret."""
        signer = parse_skey(PETER_SKEY)
        assert "AYEKFALV" not in repr(signer)
        assert "private_key" not in repr(signer)
        with pytest.raises(InputError) as caught:
            parse_skey(PETER_SKEY[:-1])
        assert "AYEKFALV" not in str(caught.value)
        assert format_vkey(signer.key) == PETER_VKEY

    def test_keys_that_cannot_be_are_refused(self) -> None:
        """Bad names, sizes, types and ids never make a key."""
        for name in ("", "\ud800", *(f"a{character}" for character in NOT_IN_NAMES)):
            with pytest.raises(InputError):
                VerifierKey(name, SignatureType.ED25519, bytes(32))
        with pytest.raises(InputError):
            VerifierKey("a", SignatureType.MLDSA44_COSIGNATURE, bytes(32))
        for text in ("a+00000000+", "a+00000000+Ag==", "a", "a+00000000", "a+00000000+=", "a+00000000+AB"):
            with pytest.raises(InputError):
                parse_vkey(text)

    def test_base64_has_one_spelling(self) -> None:
        """Left-over bits, missing padding, white space and other alphabets are refused."""
        assert parse_base64("AQ==") == b"\x01"
        for text in ("AR==", "AQ", "AQ=", "A Q==", "AQ==\n", "-_==", "é", "AQ==AQ=="):
            with pytest.raises(InputError):
                parse_base64(text)


class TestFormat:
    """Notes as bytes."""

    @settings(deadline=None)
    @given(notes)
    def test_a_note_reads_back(self, note: Note) -> None:
        """Writing and reading a note is the identity."""
        assert parse_note(format_note(note)) == note

    @settings(deadline=None)
    @given(notes, st.data())
    def test_what_is_accepted_is_written_the_same(self, note: Note, data: st.DataObject) -> None:
        """However a note is damaged: it is refused, or reads as exactly the bytes that it has."""
        whole = format_note(note)
        at = data.draw(st.integers(0, len(whole) - 1))
        damaged = whole[:at] + data.draw(st.binary(max_size=2)) + whole[at + 1 :]
        try:
            parsed = parse_note(damaged)
        except InputError:
            return
        assert format_note(parsed) == damaged

    def test_limits(self) -> None:
        """A note has up to 100 signatures and a million bytes."""
        signature = Signature("a", bytes(4), b"s")
        assert len(parse_note(format_note(Note(b"t\n", (signature,) * MAX_SIGNATURES))).signatures) == 100
        for count in (0, 101):
            with pytest.raises(InputError):
                Note(b"t\n", (signature,) * count)
        with pytest.raises(InputError):
            parse_note(b"t" * MAX_NOTE_SIZE + b"\n\n\xe2\x80\x94 a AAAAAHM=\n")

    def test_what_cannot_be_written_is_refused(self) -> None:
        """Texts without a final newline, with control characters or not UTF-8, and bad signature lines."""
        signature = Signature("a", bytes(4), b"s")
        for text in (b"", b"t", b"\t\n", b"\xff\n", b"\r\n"):
            with pytest.raises(InputError):
                Note(text, (signature,))
        for arguments in (("", bytes(4), b"s"), ("a", bytes(3), b"s"), ("a", bytes(4), b"")):
            with pytest.raises(InputError):
                Signature(*arguments)
        for line in ("- a AAAAAHM=", "\u2014a AAAAAHM=", "\u2014 a", "\u2014 a  AAAAAHM=", "\u2014 a AAAA"):
            with pytest.raises(InputError):
                parse_note(f"t\n\n{line}\n".encode())


class TestVerify:
    """Signatures and cosignatures of every type."""

    def test_signers_are_verified_and_say_when(self) -> None:
        """All three types verify through the same function, the cosignatures with their time."""
        note = parse_note(format_note(sign_note(TEXT, SIGNERS)))
        verified = verify_note(note, [signer.key for signer in SIGNERS])
        assert [one.key for one in verified] == [signer.key for signer in SIGNERS]
        assert [one.time for one in verified] == [None, NOW, NOW]
        assert [len(one.signature.blob) for one in verified] == [64, 72, 2428]

    @pytest.mark.parametrize("signer", SIGNERS, ids=lambda signer: signer.key.type.name)
    def test_any_changed_byte_is_refused(self, signer: NoteSigner) -> None:
        """No byte of the text, of the time or of the signature can be changed."""
        note = sign_note(TEXT, [signer])
        blob = note.signatures[0].blob
        key = signer.key
        for at in range(0, len(blob), max(len(blob) // 100, 1)):
            wrong = blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :]
            with pytest.raises(EvidenceError):
                verify_note(Note(TEXT, (Signature(key.name, key.key_id, wrong),)), [key])
        for wrong in (blob[:-1], blob + b"\0", blob[:8], blob[:3]):
            with pytest.raises(EvidenceError):
                verify_note(Note(TEXT, (Signature(key.name, key.key_id, wrong),)), [key])
        for text in (
            TEXT.replace(b"20852163", b"20852164"),
            TEXT.replace(b"example", b"exampls"),
            TEXT.replace(b"AAEC", b"ABEC"),
            b"no checkpoint\n",
        ):
            with pytest.raises(EvidenceError):
                verify_note(Note(text, note.signatures), [key])

    def test_an_extension_line_is_covered_except_by_ml_dsa(self) -> None:
        """Types 1 and 4 sign the whole text; type 6 the tree alone, as its specification says."""
        extended = TEXT + b"an extension\n"
        for signer in SIGNERS:
            note = Note(extended, sign_note(TEXT, [signer]).signatures)
            if signer.key.type is SignatureType.MLDSA44_COSIGNATURE:
                assert verify_note(note, [signer.key])
            else:
                with pytest.raises(EvidenceError):
                    verify_note(note, [signer.key])

    def test_the_type_is_part_of_the_key(self) -> None:
        """The same name and public key under another type is another key: its signatures are ignored."""
        cosigner = SIGNERS[1]
        other = VerifierKey(cosigner.key.name, SignatureType.ED25519, cosigner.key.public)
        with pytest.raises(EvidenceError, match="no signature by a known key"):
            verify_note(sign_note(TEXT, [cosigner]), [other])

    def test_one_bad_signature_of_a_known_key_refuses_the_note(self) -> None:
        """A good signature beside it, even of the same key, does not help."""
        good = sign_note(TEXT, SIGNERS)
        first = good.signatures[0]
        bad = Signature(first.name, first.key_id, first.blob[::-1])
        keys = [signer.key for signer in SIGNERS]
        for order in ((*good.signatures, bad), (bad, *good.signatures)):
            with pytest.raises(EvidenceError):
                verify_note(Note(TEXT, order), keys)
        assert len(verify_note(Note(TEXT, (*good.signatures, bad)), keys[1:])) == 2

    def test_cosigners_sign_checkpoints_only(self) -> None:
        """A cosigner has nothing to say about any other text; neither about a name that does not fit."""
        for signer in SIGNERS[1:]:
            with pytest.raises(InputError):
                signer.sign(b"some text\n")
        long = format_checkpoint(Checkpoint("o" * 256, 1, bytes(32)))
        with pytest.raises(InputError):
            SIGNERS[2].sign(long)

    def test_messages_of_the_specification(self) -> None:
        """The signed bytes are those that tlog-cosignature spells out."""
        assert timed_text(TEXT, NOW) == b"cosignature/v1\ntime 1679315147\n" + TEXT
        message = cosigned_message("w", 1, "log", (0, 258), bytes(32))
        expected = b"subtree/v1\n\0\x01w\0\0\0\0\0\0\0\x01\x03log"
        assert message == expected + bytes(8) + b"\0\0\0\0\0\0\x01\x02" + bytes(32)
        assert cosigned_message("w", 0, "log", (256, 258), bytes(32))
        for arguments in (
            ("w", 1, "log", (256, 258), bytes(32)),
            ("", 1, "log", (0, 1), bytes(32)),
            ("w", 2**63, "log", (0, 1), bytes(32)),
        ):
            with pytest.raises(InputError):
                cosigned_message(*arguments)
