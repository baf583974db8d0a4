"""What :class:`ordertrail.ledger.ports.KeyRing` promises."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ordertrail.kernel.errors import EvidenceError, UnavailableError
from ordertrail.ledger.note import Note, verify_note
from ordertrail.ledger.ports import KeyRing
from ordertrail.ledger.signers import Ed25519Signer, NoteSigner, signature_by
from ordertrail.ledger.vkey import SignatureType, format_vkey, parse_vkey
from ordertrail.testing.conformance.together import at_once

Reopen = Callable[[], KeyRing]

NAME = "orders.example.com/trail"
TEXT = b"orders.example.com/trail\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"


class KeyRingSuite:
    """Give ``reopen``, a ring without keys; ``cosigned`` and ``unreachable`` if they can be had.

    ``secrets`` are texts that must never be shown.
    """

    secrets: tuple[str, ...] = ()

    @pytest.fixture
    def reopen(self) -> Reopen:
        """Open the key ring once more."""
        raise NotImplementedError("a key ring's suite needs a fixture 'reopen'")

    @pytest.fixture
    def ring(self, reopen: Reopen) -> KeyRing:
        """The key ring under test."""
        return reopen()

    @pytest.fixture
    def cosigned(self) -> KeyRing:
        """The key ring, with one further key of the log NAME and one of another log."""
        pytest.skip("this key ring has no further signers")

    @pytest.fixture
    def unreachable(self) -> Callable[[str], KeyRing]:
        """Return the key ring with this key out of reach."""
        pytest.skip("this key ring gives no way to put a key out of reach")

    def test_a_new_key_signs_under_its_name(self, ring: KeyRing) -> None:
        """An Ed25519 or ECDSA key, whose signature its verifier key verifies."""
        signer = ring.create(NAME)
        assert signer.key.name == NAME
        assert signer.key.type in {SignatureType.ED25519, SignatureType.ECDSA_P256}
        _require_signature(signer, format_vkey(signer.key))

    def test_a_key_is_found_by_its_verifier_key(self, ring: KeyRing) -> None:
        """Each of several, of one name or of two."""
        vkeys = [format_vkey(ring.create(name).key) for name in (NAME, NAME, "elsewhere")]
        assert len(set(vkeys)) == 3
        for vkey in vkeys:
            _require_signature(ring.signer(vkey), vkey)

    def test_a_new_key_is_there_when_it_is_opened_again(self, ring: KeyRing, reopen: Reopen) -> None:
        """Once ``create`` returned, a second opener can sign with it, and so can one that was open."""
        other = reopen()
        vkey = format_vkey(ring.create(NAME).key)
        _require_signature(other.signer(vkey), vkey)
        _require_signature(reopen().signer(vkey), vkey)

    def test_a_key_signs_again_and_again(self, ring: KeyRing) -> None:
        """Texts of all lengths that a note has, none of them another's signature."""
        signer = ring.create(NAME)
        for length in (1, 31, 32, 33, 64, 500, 3_000):
            text = b"x" * (length - 1) + b"\n"
            signature = signature_by(signer, text)
            verify_note(Note(text, (signature,)), [signer.key])
            with pytest.raises(EvidenceError):
                verify_note(Note(b"y" + text, (signature,)), [signer.key])

    def test_it_tells_nothing_secret(self, ring: KeyRing) -> None:
        """Neither the ring nor a signer shows a key, a passphrase or a PIN where it is printed."""
        signer = ring.create(NAME)
        for shown in (repr(ring), str(ring), repr(signer), str(signer)):
            assert not [secret for secret in self.secrets if secret in shown]

    def test_a_key_that_is_not_there_is_unavailable(self, ring: KeyRing) -> None:
        """UnavailableError: it may be elsewhere, or come back."""
        ring.create(NAME)
        stranger = Ed25519Signer(NAME, Ed25519PrivateKey.generate())
        with pytest.raises(UnavailableError):
            ring.signer(format_vkey(stranger.key))

    def test_a_key_out_of_reach_is_unavailable(
        self, ring: KeyRing, unreachable: Callable[[str], KeyRing]
    ) -> None:
        """Though it was there."""
        vkey = format_vkey(ring.create(NAME).key)
        with pytest.raises(UnavailableError):
            unreachable(vkey).signer(vkey)

    def test_keys_made_at_once_are_all_there(self, reopen: Reopen) -> None:
        """None overwrites another."""

        def creating() -> Callable[[], str]:
            ring = reopen()
            return lambda: format_vkey(ring.create(NAME).key)

        vkeys = [vkey for vkey in at_once(*(creating() for _ in range(4))) if isinstance(vkey, str)]
        assert len(set(vkeys)) == 4
        for vkey in vkeys:
            _require_signature(reopen().signer(vkey), vkey)

    def test_without_further_keys_there_are_no_cosigners(self, ring: KeyRing) -> None:
        """A log's own key is none of them."""
        ring.create(NAME)
        assert list(ring.cosigners(NAME)) == []

    def test_a_logs_cosigners_are_its_own(self, cosigned: KeyRing) -> None:
        """ML-DSA-44, under the log's name; another log's key does not sign for it."""
        (signer,) = cosigned.cosigners(NAME)
        assert (signer.key.name, signer.key.type) == (NAME, SignatureType.MLDSA44_COSIGNATURE)
        _require_signature(signer, format_vkey(signer.key))
        assert list(cosigned.cosigners("nobody")) == []


def _require_signature(signer: NoteSigner, vkey: str) -> None:
    key = parse_vkey(vkey)
    (verified,) = verify_note(Note(TEXT, (signature_by(signer, TEXT),)), [key])
    assert verified.key == key
