"""People's keys and the blind index, in a database file of their own: ``keys/people.db``, mode 0600.

A person's key is 32 random bytes, kept wrapped by the key-encryption key (:mod:`..files.kek`)::

    wrapped = AES-KW(key-encryption key, person key)                   40 bytes   RFC 3394 section 2.2.1
    proof   = AES-KW(key-encryption key, "ordertrail/kek/1")           24 bytes   one a file

The proof is compared when the file is opened, so that no key is ever wrapped by a second key-encryption
key, and a wrong one is named as such instead of showing up as damaged data.

Everything else of a trail only grows; this file is where things are deleted, and they must be gone:

- ``secure_delete``: SQLite overwrites with zeros what it deletes, tokens and index pages included.
- ``journal_mode=DELETE``: no write-ahead log, in which old pages would linger beside the file. The
  rollback journal of a transaction is unlinked before ``destroy`` returns.
- ``synchronous=FULL``: and all of it is on disk by then.

*If we stop* inside ``destroy``, SQLite rolls back: the person is whole and ``destroy`` is called again.
What a file cannot answer for: blocks that the file system or an SSD has freed and not yet overwritten,
and backups of ``keys/``. Both hold wrapped keys only; keep such backups no longer than erasure may take.

A tombstone (person, time) stays, so that a destroyed key is never made again, by us or by a late event.
"""

import hmac
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from sqlalchemy import Column, Connection, Integer, LargeBinary, MetaData, Table, Text, delete, insert, select

from ordertrail.adapters.sql.dialects.sqlite import SqliteDatabase, create_database
from ordertrail.kernel.clock import Clock, format_time
from ordertrail.kernel.errors import ConfigurationError, EvidenceError, InputError

SCHEMA = "people.sql"

KEY_SIZE = 32
"""Bytes of a person's key: what HKDF-SHA256 derives field keys from."""

_KNOWN = b"ordertrail/kek/1"
_PRAGMAS = ("journal_mode=DELETE", "secure_delete=ON", "foreign_keys=ON", "temp_store=MEMORY")

_metadata = MetaData()
_wrapping = Table(
    "wrapping",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("proof", LargeBinary, nullable=False),
)
_person_key = Table(
    "person_key",
    _metadata,
    Column("id", Integer, primary_key=True),
    Column("person", Text, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
)
_token = Table(
    "token",
    _metadata,
    Column("token", LargeBinary, primary_key=True),
    Column("person_key", Integer, primary_key=True),
    Column("event", Text, primary_key=True),
    Column("path", Text, primary_key=True),
)
_tombstone = Table(
    "tombstone",
    _metadata,
    Column("person", Text, primary_key=True),
    Column("destroyed", Text, nullable=False),
)


def create_people(path: Path) -> None:
    """Create the file with its tables. Raises ConfigurationError if it exists."""
    create_database(path, SCHEMA, journal="DELETE")


def copy_people(source: Path, target: Path) -> None:
    """Copy the file as it is at one moment, whoever writes to it; the copy is private and replaces an older one."""
    part = target.with_name(f".part-{target.name}")
    part.unlink(missing_ok=True)
    part.touch(0o600)
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(part)) as other:
        one.backup(other)
    part.replace(target)


class PeopleKeys:
    """Implements :class:`ordertrail.record.ports.KeyStore` and :class:`ordertrail.record.ports.BlindIndex`.

    Any number of processes may open one file. Raises ConfigurationError where there is none, or where
    ``kek`` is not the key-encryption key that its keys are wrapped by.
    """

    def __init__(self, path: Path, kek: bytes, clock: Clock) -> None:
        self._database = SqliteDatabase(path, pragmas=_PRAGMAS)
        self._kek = kek
        self._clock = clock
        try:
            self._require_kek()
        except BaseException:
            self.close()
            raise

    def get(self, person: str) -> bytes | None:
        """See the port. Raises EvidenceError where the wrapped key was altered."""
        with self._database.read() as connection:
            return self._key(connection, person)

    def create(self, person: str) -> bytes:
        """See the port. The first of two processes makes the key, and both return it."""
        known = self.get(person)
        if known is not None:
            return known
        with self._database.write() as connection:
            known = self._key(connection, person)
            if known is not None:
                return known
            _require_alive(connection, person)
            key = os.urandom(KEY_SIZE)
            wrapped = aes_key_wrap(self._kek, key)
            connection.execute(insert(_person_key).values(person=person, wrapped=wrapped))
        return key

    def destroy(self, person: str) -> bool:
        """See the port. Deletes key and tokens and leaves a tombstone, in one transaction."""
        with self._database.write() as connection:
            number = _number(connection, person)
            if number is None:
                return False
            connection.execute(delete(_token).where(_token.c.person_key == number))
            connection.execute(delete(_person_key).where(_person_key.c.id == number))
            destroyed = format_time(self._clock())
            connection.execute(insert(_tombstone).values(person=person, destroyed=destroyed))
        return True

    def destroyed(self, person: str) -> str | None:
        """Return when a person's key was destroyed, None if it was not."""
        with self._database.read() as connection:
            return _destroyed(connection, person)

    def add(self, person: str, token: bytes, event: str, path: str) -> None:
        """See the port. Raises InputError for a person without a key: nothing would ever forget the token."""
        with self._database.write() as connection:
            number = _number(connection, person)
            if number is None:
                _require_alive(connection, person)
                raise InputError(f"person {person} has no key; a token stands only beside a key")
            row = {"token": token, "person_key": number, "event": event, "path": path}
            if connection.execute(select(_token.c.event).filter_by(**row)).first() is None:
                connection.execute(insert(_token).values(row))

    def find(self, token: bytes) -> list[tuple[str, str]]:
        """See the port."""
        with self._database.read() as connection:
            query = select(_token.c.event, _token.c.path).where(_token.c.token == token)
            ordered = query.order_by(_token.c.event, _token.c.path)
            return [(event, path) for event, path in connection.execute(ordered)]

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def _require_kek(self) -> None:
        expected = aes_key_wrap(self._kek, _KNOWN)
        with self._database.read() as connection:
            proof = connection.scalar(select(_wrapping.c.proof))
        if proof is None:
            with self._database.write() as connection:
                proof = connection.scalar(select(_wrapping.c.proof))
                if proof is None:
                    # A new file: the first key-encryption key that opens it is the one it keeps to.
                    connection.execute(insert(_wrapping).values(id=1, proof=expected))
                    return
        if not hmac.compare_digest(proof, expected):
            raise ConfigurationError(
                f"the keys in {self._database.path} are wrapped by another key-encryption key",
                meaning="Sealed values cannot be opened or made; entries and their proofs stand.",
                remedy="Restore keys/people.kek of this trail; both files belong together.",
            )

    def _key(self, connection: Connection, person: str) -> bytes | None:
        query = select(_person_key.c.wrapped).where(_person_key.c.person == person)
        wrapped: bytes | None = connection.scalar(query)
        if wrapped is None:
            return None
        try:
            return aes_key_unwrap(self._kek, wrapped)
        except InvalidUnwrap:
            raise EvidenceError(
                f"the wrapped key of person {person} was altered",
                meaning="Their sealed values cannot be opened; entries and their proofs stand.",
                remedy="Restore keys/people.db from its backup.",
            ) from None


def _number(connection: Connection, person: str) -> int | None:
    number: int | None = connection.scalar(select(_person_key.c.id).where(_person_key.c.person == person))
    return number


def _destroyed(connection: Connection, person: str) -> str | None:
    query = select(_tombstone.c.destroyed).where(_tombstone.c.person == person)
    destroyed: str | None = connection.scalar(query)
    return destroyed


def _require_alive(connection: Connection, person: str) -> None:
    destroyed = _destroyed(connection, person)
    if destroyed is not None:
        raise InputError(
            f"person {person} was erased at {destroyed}; their key is never made again",
            remedy="Send what concerns this person without personal values, or under a new person's id.",
        )
