"""A key ring over a key management service.

*If we stop* after a key was made and before it is labelled, or before anything names it, the service holds an
unused key, and nothing else has happened.
"""

from collections.abc import Sequence
from typing import Final

from ordertrail.adapters.kms.remote import RemoteKey, RemoteKeys
from ordertrail.kernel.errors import ConfigurationError, OrderTrailError, UnavailableError
from ordertrail.ledger.signers import NoteSigner, RemoteSigner
from ordertrail.ledger.vkey import SignatureType, VerifierKey, format_vkey, parse_vkey

NOT_SEALED: Final = "Nothing can be sealed without it; what was recorded waits in the journal."

#: SubjectPublicKeyInfo of an Ed25519 key begins so (RFC 8410 section 4), and 32 bytes follow.
ED25519_SPKI: Final = bytes.fromhex("302a300506032b6570032100")


class KmsKeyRing:
    """Implements :class:`ordertrail.ledger.key_rings.CheckedKeyRing` over ``remote``."""

    def __init__(self, remote: RemoteKeys) -> None:
        self._remote = remote
        self._signers: dict[str, RemoteSigner] = {}

    def signer(self, vkey: str) -> NoteSigner:
        """See the port. The service's public key is compared with the verifier key once."""
        if vkey not in self._signers:
            key = parse_vkey(vkey)
            found = self._remote.find(key.name, key.key_id.hex())
            if found is None:
                raise UnavailableError(
                    _missing(key),
                    meaning=NOT_SEALED,
                    remedy="Check signer.region, signer.endpoint and the account; a new key may take some seconds.",
                )
            if _key_of(key.name, found) != key:
                raise ConfigurationError(
                    _exchanged(key),
                    meaning=NOT_SEALED,
                    remedy="The label was moved. Point it at this log's key again.",
                )
            self._signers[vkey] = RemoteSigner(key, found.sign)
        return self._signers[vkey]

    def create(self, name: str) -> NoteSigner:
        """See the port."""
        made = self._remote.create(name)
        key = _key_of(name, made)
        self._remote.label(made, name, key.key_id.hex())
        # Handed out as it is, since a label may take its time to be seen.
        return self._signers.setdefault(format_vkey(key), RemoteSigner(key, made.sign))

    def cosigners(self, name: str) -> Sequence[NoteSigner]:
        """See the port: there are none."""
        del name
        return ()

    def problems(self, vkey: str) -> list[str]:
        """Say what keeps this ring from signing as this key; nothing where the service cannot be asked.

        Who checks a copy elsewhere has no way into it.
        """
        key = parse_vkey(vkey)
        try:
            found = self._remote.find(key.name, key.key_id.hex())
        except OrderTrailError:
            return []
        if found is None:
            return [_missing(key)]
        return [] if _key_of(key.name, found) == key else [_exchanged(key)]

    def holds(self, vkey: str) -> bool:
        """Say whether the service has the key."""
        try:
            self.signer(vkey)
        except OrderTrailError:
            return False
        return True

    def encrypted(self, vkey: str) -> bool:
        """Say whether the service has the key. Its private half cannot be read out of it."""
        return self.holds(vkey)


def _missing(key: VerifierKey) -> str:
    return f"the private key of {key} is not in the key management service"


def _exchanged(key: VerifierKey) -> str:
    return f"the key management service has another key under the label of {key}"


def _key_of(name: str, remote: RemoteKey) -> VerifierKey:
    """Return a key's verifier key.

    :raises InputError: if it is of a kind that no note has.
    """
    spki = remote.spki
    if spki.startswith(ED25519_SPKI):
        return VerifierKey(name, SignatureType.ED25519, spki.removeprefix(ED25519_SPKI))
    return VerifierKey(name, SignatureType.ECDSA_P256, spki)
