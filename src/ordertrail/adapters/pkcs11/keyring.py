"""A key ring in a token: keys are made in it, never leave it, and do nothing but sign.

A key is two objects of the token, found by the label ``<prefix><log's name>`` and the id that the verifier key
has in notes (4 bytes, C2SP signed-note), so that ``pkcs11-tool -O`` shows which one is in force::

    private   CKA_TOKEN CKA_PRIVATE CKA_SENSITIVE CKA_SIGN, not CKA_EXTRACTABLE, no other use
    public    CKA_TOKEN CKA_VERIFY, read and compared with the verifier key

Ed25519 (``CKM_EDDSA``, PKCS #11 3.0 section 2.3.14) where the token has it; else ECDSA over P-256 (``CKM_ECDSA``
over a SHA-256 made here). The token is not trusted to be the right one: each signature is verified with the
verifier key before it is given out.

*If we stop* while a key is made, before its id is set or before anything names it, the token keeps an unused
key, and nothing else has happened.
"""

from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from ordertrail.adapters.pkcs11.failures import NOT_SEALED, pin_missing, require_pkcs11
from ordertrail.adapters.pkcs11.module import open_module
from ordertrail.kernel.errors import ConfigurationError, InputError, OrderTrailError, UnavailableError
from ordertrail.ledger.ecdsa import der_of, format_spki
from ordertrail.ledger.signers import NoteSigner, RemoteSigner
from ordertrail.ledger.vkey import SignatureType, VerifierKey, format_vkey, parse_vkey

if TYPE_CHECKING:
    from pkcs11 import Mechanism, Session
    from pkcs11.types import PublicKey, SignMixin

T = TypeVar("T")

PREFIX: Final = "ordertrail "
"""What the labels of our keys begin with, unless the ring is told otherwise."""

#: CKA_EC_PARAMS: the named curve P-256 (RFC 5480 section 2.1.1.1); curveName "edwards25519" (PKCS #11 3.0,
#: section 2.3.10, which SoftHSM and most tokens take).
_PARAMETERS: Final = {
    SignatureType.ECDSA_P256: bytes.fromhex("06082a8648ce3d030107"),
    SignatureType.ED25519: b"\x13\x0cedwards25519",
}
#: DER of an OCTET STRING of 32 or 65 bytes begins so: CKA_EC_POINT is one (PKCS #11 2.40 section 2.3.3), though
#: some tokens leave it off.
_OCTET_STRING: Final = {34: b"\x04\x20", 67: b"\x04\x41"}


class Pkcs11KeyRing:
    """Implements :class:`ordertrail.ledger.key_rings.CheckedKeyRing` over one token.

    ``pin`` is the user's PIN (UTF-8), None where nothing is to be signed. ``key_type`` is of new keys: without
    it, Ed25519 where the token has it, else ECDSA over P-256. Threads and forked processes may share a ring.
    """

    def __init__(
        self,
        module: Path,
        token: str,
        pin: bytes | None,
        *,
        prefix: str = PREFIX,
        key_type: SignatureType | None = None,
    ) -> None:
        self._module = module
        self._label = token
        self._pin = pin
        self._prefix = prefix
        self._key_type = key_type
        self._signers: dict[str, RemoteSigner] = {}
        self._handles: dict[VerifierKey, tuple[Session, SignMixin]] = {}

    def signer(self, vkey: str) -> NoteSigner:
        """See the port. The public key in the token is compared with the verifier key once."""
        if vkey not in self._signers:
            key = parse_vkey(vkey)
            self._require_pin()
            self._run(partial(self._find, key))
            self._signers[vkey] = RemoteSigner(key, partial(self._sign, key))
        return self._signers[vkey]

    def create(self, name: str) -> NoteSigner:
        """See the port."""
        self._require_pin()
        return self.signer(format_vkey(self._run(partial(self._create, name))))

    def cosigners(self, name: str) -> Sequence[NoteSigner]:
        """See the port: no token has ML-DSA-44 yet, so there are none."""
        del name
        return ()

    def holds(self, vkey: str) -> bool:
        """Say whether the token has the key, by its public half; this takes no PIN."""
        try:
            self._look(vkey)
        except OrderTrailError:
            return False
        return True

    def problems(self, vkey: str) -> list[str]:
        """Say what keeps this ring from signing as this key; nothing where there is no such token.

        Who checks a copy elsewhere has none. No PIN is used: a check runs in many processes, and a wrong PIN that
        each of them tries would lock the token.
        """
        with open_module(self._module) as module:
            if not module.present(self._label):
                return []
        try:
            self._look(vkey)
        except OrderTrailError as error:
            return [error.message]
        return []

    def encrypted(self, vkey: str) -> bool:
        """Say whether the token has the key. Its private half cannot be read out of it."""
        return self.holds(vkey)

    def _look(self, vkey: str) -> None:
        with open_module(self._module) as module:
            module.run(self._label, None, partial(self._public, parse_vkey(vkey)))

    def _require_pin(self) -> None:
        if self._pin is None:
            raise pin_missing(self._label)

    def _run(self, work: "Callable[[Session], T]") -> T:
        with open_module(self._module) as module:
            return module.run(self._label, self._pin, work)

    def _create(self, name: str, session: "Session") -> VerifierKey:
        """Make a key pair in the token, and give both halves the id that the verifier key has."""
        pkcs11 = require_pkcs11()
        attribute = pkcs11.Attribute
        kind = self._key_type or self._best(session)
        edwards = kind is SignatureType.ED25519
        key_type = pkcs11.KeyType.EC_EDWARDS if edwards else pkcs11.KeyType.EC
        parameters = session.create_domain_parameters(
            key_type, {attribute.EC_PARAMS: _PARAMETERS[kind]}, local=True
        )
        public, private = parameters.generate_keypair(
            store=True,
            label=f"{self._prefix}{name}",
            mechanism=_generation(kind),
            capabilities=pkcs11.MechanismFlag.SIGN | pkcs11.MechanismFlag.VERIFY,
            public_template={attribute.PRIVATE: False},
            private_template={
                attribute.SENSITIVE: True,
                attribute.EXTRACTABLE: False,
                attribute.SIGN_RECOVER: False,
                attribute.DERIVE: False,
            },
        )
        key = VerifierKey(name, kind, _material(kind, public[attribute.EC_POINT]))
        for half in (public, private):
            half[attribute.ID] = key.key_id
        return key

    def _best(self, session: "Session") -> SignatureType:
        """Choose the kind of a new key: what the token can make and sign with."""
        mechanisms = session.token.slot.get_mechanisms()
        for kind in (SignatureType.ED25519, SignatureType.ECDSA_P256):
            if {_generation(kind), _signing(kind)} <= mechanisms:
                return kind
        raise ConfigurationError(
            f"signer.token: the token {self._label!r} has neither Ed25519 (CKM_EDDSA) nor ECDSA (CKM_ECDSA)",
            meaning=NOT_SEALED,
            remedy="Choose another token, or allow one of these mechanisms in its policy.",
        )

    def _public(self, key: VerifierKey, session: "Session") -> "PublicKey":
        """Find the public half: right, or nothing."""
        pkcs11 = require_pkcs11()
        found = self._objects(key, session, pkcs11.ObjectClass.PUBLIC_KEY)
        try:
            materials = [_material(key.type, one[pkcs11.Attribute.EC_POINT]) for one in found]
        except InputError:
            materials = [b""]
        if materials and materials != [key.public]:
            raise ConfigurationError(
                f"the token {self._label!r} has another key under the label and id of {key}",
                meaning=NOT_SEALED,
                remedy="The token was exchanged or altered. Bring back the one that has this log's key.",
            )
        if not found:
            raise UnavailableError(
                f"the private key of {key} is not in the token {self._label!r}",
                meaning=NOT_SEALED,
                remedy="Bring back the token that has it; 'pkcs11-tool -O' lists what is in this one.",
            )
        return cast("PublicKey", found[0])

    def _find(self, key: VerifierKey, session: "Session") -> "SignMixin":
        """Find the private half, beside a public half that is the verifier key's: once in each session."""
        opened, private = self._handles.get(key, (None, None))
        if opened is not session or private is None:
            private = self._look_up(key, session)
            self._handles[key] = session, private
        return private

    def _look_up(self, key: VerifierKey, session: "Session") -> "SignMixin":
        self._public(key, session)
        found = self._objects(key, session, require_pkcs11().ObjectClass.PRIVATE_KEY)
        if len(found) != 1:
            raise UnavailableError(
                f"the token {self._label!r} has {len(found)} private keys of {key}, and one is needed",
                meaning=NOT_SEALED,
                remedy="Restore the token from its backup; 'pkcs11-tool --login -O' lists what is in it.",
            )
        return cast("SignMixin", found[0])

    def _objects(self, key: VerifierKey, session: "Session", kind: int) -> list[Any]:
        attribute = require_pkcs11().Attribute
        wanted = {
            attribute.CLASS: kind,
            attribute.LABEL: f"{self._prefix}{key.name}",
            attribute.ID: key.key_id,
        }
        return list(session.get_objects(wanted))

    def _sign(self, key: VerifierKey, text: bytes) -> bytes:
        """Have the token sign: 64 bytes of Ed25519, or DER of ECDSA."""

        def sign(session: "Session") -> bytes:
            message = text if key.type is SignatureType.ED25519 else sha256(text).digest()
            return self._find(key, session).sign(message, mechanism=_signing(key.type))

        signature = self._run(sign)
        return signature if key.type is SignatureType.ED25519 else der_of(signature)


def _generation(kind: SignatureType) -> "Mechanism":
    names = require_pkcs11().Mechanism
    edwards = kind is SignatureType.ED25519
    found: Mechanism = names.EC_EDWARDS_KEY_PAIR_GEN if edwards else names.EC_KEY_PAIR_GEN
    return found


def _signing(kind: SignatureType) -> "Mechanism":
    names = require_pkcs11().Mechanism
    found: Mechanism = names.EDDSA if kind is SignatureType.ED25519 else names.ECDSA
    return found


def _material(kind: SignatureType, point: bytes) -> bytes:
    """Return a public key as verifier keys have it, from CKA_EC_POINT.

    :raises InputError: if it is none of this kind.
    """
    raw = point[2:] if point[:2] == _OCTET_STRING.get(len(point)) else point
    return raw if kind is SignatureType.ED25519 else format_spki(raw)
