"""Personal values: sealed before an event becomes an entry, erased by destroying one key.

Every person (data subject) has a key of 32 bytes in the key store. A personal value at a path of an
event becomes::

    {"sealed": {"person": "<opaque id>", "box": "<base64>", "commitment": "<base64>"}}

    field key  = HKDF-SHA256(person key, info = "ordertrail/field/v1" ‖ 0 ‖ event id ‖ 0 ‖ path)
    box        = nonce (12 random bytes) ‖ AES-256-GCM(field key, nonce, value, AAD = event id ‖ 0 ‖ path)
    commitment = SHA-256("ordertrail/commitment/v1" ‖ 0 ‖ field key ‖ event id ‖ 0 ‖ path ‖ 0 ‖ value)
    token      = HMAC-SHA256(index key, "ordertrail/token/v1" ‖ 0 ‖ value), kept beside the log, never in it

where *value* is the canonical JSON of what was sealed and 0 is a zero byte. Each part does one thing:

- The field key opens this field alone, so a court can be shown one field (``disclose``) and no other.
- AES-GCM does not commit to its key: two keys can open one box to two texts. The commitment binds key,
  place and value, so what is disclosed is what was sealed. It hides the value as long as the field key
  is secret, and for ever once the person's key is destroyed.
- Erasing a person destroys their key. Entries, write-once copies and backups keep boxes that nobody can
  open, and no hash changes. The tokens go with the key, or a guess could be tested against them.

Sources: RFC 5869 (HKDF), NIST SP 800-38D (GCM), RFC 2104 (HMAC).
"""

import hashlib
import hmac
import os
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ordertrail.kernel.errors import EvidenceError, InputError, Problem
from ordertrail.record.encoding import encode
from ordertrail.record.event import Event, Sealed, SealedValue
from ordertrail.record.ports import BlindIndex, KeyStore

_NONCE = 12
_SEALABLE = re.compile(r"/context/(ip|user_agent)|/changes/[0-9]+/(before|after)(/.*)?", re.DOTALL)


def field_key(person_key: bytes, event_id: str, path: str) -> bytes:
    """Derive the key that opens one field of one event."""
    info = b"\x00".join((b"ordertrail/field/v1", event_id.encode(), path.encode()))
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(person_key)


def seal_value(value: Any, key: bytes, *, person: str, event_id: str, path: str) -> SealedValue:
    """Seal a JSON value under a field key."""
    place = _place(event_id, path)
    plain = encode(value)
    nonce = os.urandom(_NONCE)
    box = nonce + AESGCM(key).encrypt(nonce, plain, place)
    commitment = _commitment(key, place, plain)
    return SealedValue(Sealed(person, b64encode(box).decode(), b64encode(commitment).decode()))


def open_value(sealed: Sealed, key: bytes, *, event_id: str, path: str) -> Any:
    """Open a sealed value with its field key. Raises EvidenceError where box or commitment do not fit."""
    place = _place(event_id, path)
    try:
        box = b64decode(sealed.box, validate=True)
        plain = AESGCM(key).decrypt(box[:_NONCE], box[_NONCE:], place)
        committed = b64decode(sealed.commitment, validate=True)
    except (InvalidTag, Base64Error, ValueError):
        raise EvidenceError(
            f"the sealed value at {path} of event {event_id} does not open with this key"
        ) from None
    if not hmac.compare_digest(_commitment(key, place, plain), committed):
        raise EvidenceError(f"the sealed value at {path} of event {event_id} is not the one committed to")
    return msgspec.json.decode(plain)


def _place(event_id: str, path: str) -> bytes:
    return event_id.encode() + b"\x00" + path.encode()


def _commitment(key: bytes, place: bytes, plain: bytes) -> bytes:
    return hashlib.sha256(b"ordertrail/commitment/v1\x00" + key + place + b"\x00" + plain).digest()


class Sealer:
    """Seals, opens, finds, discloses and erases personal values."""

    def __init__(self, keys: KeyStore, index: BlindIndex, index_key: bytes) -> None:
        self._keys = keys
        self._index = index
        self._index_key = index_key

    def seal(self, event: Event, personal: dict[str, str]) -> Event:
        """Return the event with the values at these paths sealed, each for the person named.

        Paths are JSON pointers into the event: ``/context/ip``, ``/changes/0/after``. Raises InputError
        with every path at which there is nothing to seal.
        """
        tree = msgspec.to_builtins(event)
        places = {path: _resolve(tree, path) for path in personal}
        problems = [
            Problem(path, "there is no open value here to seal")
            for path, (value, parent, _) in places.items()
            if parent is None or (isinstance(value, dict) and "sealed" in value)
        ]
        problems += [
            Problem(path, "this field is never sealed; a changed value, the IP or the user agent may be")
            for path, (_, parent, _) in places.items()
            if parent is not None and not _SEALABLE.fullmatch(path)
        ]
        if problems:
            raise InputError(problems)
        for path, person in personal.items():
            value, parent, name = places[path]
            key = field_key(self._keys.create(person), event.id, path)
            parent[name] = msgspec.to_builtins(
                seal_value(value, key, person=person, event_id=event.id, path=path)
            )
            self._index.add(person, self._token(value), event.id, path)
        return msgspec.convert(tree, Event)

    def open(self, event: Event, path: str) -> Any:
        """Open one sealed value. Raises EvidenceError if it does not fit, InputError if its key is gone."""
        return open_value(self._sealed(event, path), self.disclose(event, path), event_id=event.id, path=path)

    def disclose(self, event: Event, path: str) -> bytes:
        """Return the key that opens this one field and no other."""
        sealed = self._sealed(event, path)
        person_key = self._keys.get(sealed.person)
        if person_key is None:
            raise InputError(
                Problem(path, f"the key of person {sealed.person} was destroyed; the value is erased"),
                meaning="The entry and its proof stand; only the personal value is gone, as it should be.",
                remedy="Nothing can bring it back.",
            )
        return field_key(person_key, event.id, path)

    def find(self, value: Any) -> list[tuple[str, str]]:
        """Return (event id, path) of every sealed value equal to this one."""
        return self._index.find(self._token(value))

    def knows(self, person: str) -> bool:
        """Say whether there is a key of this person."""
        return self._keys.get(person) is not None

    def erase(self, person: str) -> bool:
        """Destroy a person's key and tokens; their sealed values can never be opened again."""
        return self._keys.destroy(person)

    def _token(self, value: Any) -> bytes:
        return hmac.digest(self._index_key, b"ordertrail/token/v1\x00" + encode(value), "sha256")

    @staticmethod
    def _sealed(event: Event, path: str) -> Sealed:
        value, _, _ = _resolve(msgspec.to_builtins(event), path)
        try:
            return msgspec.convert(value, SealedValue).sealed
        except msgspec.ValidationError:
            raise InputError(Problem(path, "there is no sealed value here")) from None


def sealed_values(event: Event) -> Iterator[tuple[str, Sealed]]:
    """Yield the sealed values of an event, each with its path."""
    yield from _sealed_within(msgspec.to_builtins(event), "")


def _sealed_within(tree: Any, path: str) -> Iterator[tuple[str, Sealed]]:
    match tree:
        case {"sealed": {"person": str()}}:
            yield path, msgspec.convert(tree, SealedValue).sealed
        case dict():
            for name, value in tree.items():
                yield from _sealed_within(value, f"{path}/{name.replace('~', '~0').replace('/', '~1')}")
        case list() | tuple():
            for place, value in enumerate(tree):
                yield from _sealed_within(value, f"{path}/{place}")


def _resolve(tree: Any, path: str) -> tuple[Any, Any, Any]:
    """Follow a JSON pointer; return the value, its parent and its name there, or three Nones."""
    value: Any = tree
    parent: Any = None
    name: Any = None
    for step in path.removeprefix("/").split("/"):
        parent, name = value, step.replace("~1", "/").replace("~0", "~")
        if isinstance(parent, list | tuple):
            name = int(name) if name.isdecimal() and int(name) < len(parent) else None
        elif not isinstance(parent, dict) or name not in parent:
            name = None
        if name is None:
            return None, None, None
        value = parent[name]
    return value, parent, name
