"""What a key management service must offer to hold a log's keys. Another cloud is one class more.

The ring in :mod:`ordertrail.adapters.kms.keyring` does the rest: names, ids, comparing, verifying.
"""

from typing import Protocol


class RemoteKey(Protocol):
    """A signing key that stays where it is."""

    @property
    def spki(self) -> bytes:
        """The public half: SubjectPublicKeyInfo in DER, of Ed25519 (RFC 8410) or P-256 (RFC 5480)."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Sign: 64 bytes of Ed25519 over ``data``, or DER of ECDSA over its SHA-256.

        Raises UnavailableError where the service does not answer, ConfigurationError where it refuses.
        """
        ...


class RemoteKeys(Protocol):
    """A key management service. Durable: a key that was made and labelled is found from then on, by everybody.

    A service may take some seconds to show a new label everywhere; until then ``find`` may return None.
    Raises UnavailableError where the service does not answer, ConfigurationError where it is set up wrongly.
    """

    def create(self, name: str) -> RemoteKey:
        """Make a key for the log ``name``. It is not found before it is labelled."""
        ...

    def label(self, key: RemoteKey, name: str, key_id: str) -> None:
        """Let ``find`` find a key by the log's name and its id there: eight hexadecimal digits."""
        ...

    def find(self, name: str, key_id: str) -> RemoteKey | None:
        """Return the key with this label."""
        ...
