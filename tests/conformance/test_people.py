"""People's keys in their own file: wrapped, private, and gone when they are destroyed."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ordertrail.adapters.sql.people import PeopleKeys, create_people
from ordertrail.kernel.errors import ConfigurationError, EvidenceError, InputError
from ordertrail.testing.conformance.blind_index import BlindIndexSuite
from ordertrail.testing.conformance.key_store import KeyStoreSuite
from ordertrail.testing.conformance.samples import event_id

KEK = bytes(range(32))
NOW = datetime(2026, 11, 22, 14, 2, 10, 120_000, tzinfo=UTC)
OpenPeople = Callable[[], PeopleKeys]


@pytest.fixture
def people_path(tmp_path: Path) -> Path:
    """A file of people's keys, with no person in it."""
    path = tmp_path / "people.db"
    create_people(path)
    return path


@pytest.fixture
def open_people(people_path: Path) -> Iterator[OpenPeople]:
    """Open that file once more."""
    opened = []

    def open_once_more() -> PeopleKeys:
        opened.append(PeopleKeys(people_path, KEK, lambda: NOW))
        return opened[-1]

    yield open_once_more
    for people in opened:
        people.close()


@pytest.fixture
def people(open_people: OpenPeople) -> PeopleKeys:
    """The people of that file."""
    return open_people()


class TestPeopleKeys(KeyStoreSuite):
    """PeopleKeys' keys."""

    @pytest.fixture
    def reopen(self, open_people: OpenPeople) -> OpenPeople:
        """Open it once more."""
        return open_people


class TestPeopleTokens(BlindIndexSuite):
    """PeopleKeys' tokens."""

    @pytest.fixture
    def reopen(self, open_people: OpenPeople) -> OpenPeople:
        """Open it once more."""
        return open_people


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    """Return what the file holds, read past the adapter."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_two_processes_that_make_the_same_keys_agree(people_path: Path, open_people: OpenPeople) -> None:
    """Whichever is first; both open the new file, too, as the first that does."""
    creating = (
        "import sys; from pathlib import Path\n"
        "from ordertrail.adapters.sql.people import PeopleKeys\n"
        "people = PeopleKeys(Path(sys.argv[1]), bytes(range(32)), None)\n"
        "sys.stdin.readline()\n"
        "print(*(people.create(f'c-{number}').hex() for number in range(40)))"
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-c", creating, str(people_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    first, second = (child.communicate(timeout=60)[0].split() for child in children)
    assert len(set(first)) == 40
    assert first == second == [open_people().create(f"c-{number}").hex() for number in range(40)]


def test_what_is_destroyed_is_no_longer_in_the_file(people_path: Path, people: PeopleKeys) -> None:
    """No byte string of a destroyed wrapped key or token is left, after many people came and went."""
    tokens = {f"c-{number}": [os.urandom(32) for _ in range(3)] for number in range(60)}
    for person, theirs in tokens.items():
        people.create(person)
        for number, token in enumerate(theirs):
            people.add(person, token, event_id(number), "/context/ip")
    found = rows(people_path, "SELECT person, wrapped FROM person_key")
    wrapped = {str(person): data for person, data in found if isinstance(data, bytes)}
    assert len(wrapped) == 60
    raw = people_path.read_bytes()
    for person, data in wrapped.items():
        assert all(secret in raw for secret in (data, *tokens[person])), "or what follows would prove nothing"
    gone = [f"c-{number}" for number in range(60) if number % 7]
    for person in gone:
        assert people.destroy(person)
        raw = people_path.read_bytes()
        assert not any(secret in raw for secret in (wrapped[person], *tokens[person]))
    raw = people_path.read_bytes()
    assert not any(secret in raw for person in gone for secret in (wrapped[person], *tokens[person]))
    kept = wrapped.keys() - set(gone)
    assert all(secret in raw for person in kept for secret in (wrapped[person], *tokens[person]))


def test_no_log_is_left_beside_the_file(people_path: Path, open_people: OpenPeople) -> None:
    """Old pages would linger there; not even where somebody switched the file to a write-ahead log."""
    people = open_people()
    people.create("c-1")
    people.destroy("c-1")
    assert [path.name for path in people_path.parent.iterdir()] == ["people.db"]
    people.close()
    assert rows(people_path, "PRAGMA journal_mode=WAL") == [("wal",)]
    people = open_people()
    people.create("c-2")
    assert rows(people_path, "PRAGMA journal_mode") == [("delete",)]
    assert [path.name for path in people_path.parent.iterdir()] == ["people.db"]


def test_every_connection_deletes_securely_and_durably(people: PeopleKeys) -> None:
    """secure_delete, synchronous=FULL (2) and foreign keys are on."""
    pragmas = ("secure_delete", "synchronous", "foreign_keys", "temp_store")
    with people._database.write() as connection, people._database.read() as second:
        for one in (connection, second):
            assert [one.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas] == [1, 2, 1, 2]


def test_a_tombstone_says_when_and_stays(people_path: Path, people: PeopleKeys) -> None:
    """Person and time; nobody removes it, and past the adapter no key can be made either."""
    people.create("c-1")
    assert people.destroyed("c-1") is None
    people.destroy("c-1")
    assert people.destroyed("c-1") == "2026-11-22T14:02:10.120000Z"
    for statement in (
        "DELETE FROM tombstone",
        "UPDATE tombstone SET person = 'c-2'",
        "INSERT INTO person_key (person, wrapped) VALUES ('c-1', zeroblob(40))",
    ):
        with pytest.raises(sqlite3.IntegrityError):
            rows(people_path, statement)


def test_the_file_is_private_and_holds_no_open_key(people_path: Path, people: PeopleKeys) -> None:
    """Mode 0600; keys are wrapped."""
    key = people.create("c-1")
    assert people_path.stat().st_mode & 0o777 == 0o600
    assert key not in people_path.read_bytes()
    with pytest.raises(ConfigurationError):
        create_people(people_path)


def test_another_key_encryption_key_is_refused(people_path: Path, people: PeopleKeys) -> None:
    """When the file is opened, before anything is wrapped by it, with keys in it or without."""
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="another key-encryption key"):
            PeopleKeys(people_path, bytes(32), lambda: NOW)
        people.create("c-1")


def test_without_its_file_there_are_no_people(tmp_path: Path) -> None:
    """A missing file is not taken for an empty one, or erased people would come back."""
    with pytest.raises(ConfigurationError):
        PeopleKeys(tmp_path / "people.db", KEK, lambda: NOW)
    assert not (tmp_path / "people.db").exists()


def test_an_altered_key_is_named(people_path: Path, people: PeopleKeys) -> None:
    """EvidenceError with the person: it was this key, and not the passphrase."""
    people.create("c-1")
    people.create("c-2")
    connection = sqlite3.connect(people_path)
    connection.executescript(
        "DROP TRIGGER person_key_no_update; UPDATE person_key SET wrapped = zeroblob(40) WHERE person = 'c-1'"
    )
    connection.close()
    with pytest.raises(EvidenceError, match="c-1"):
        people.get("c-1")
    assert people.get("c-2") is not None


def test_a_token_stands_only_beside_a_key(people: PeopleKeys) -> None:
    """InputError for a person without one; the erased are told apart from the unknown."""
    people.create("c-1")
    people.destroy("c-1")
    with pytest.raises(InputError, match="erased"):
        people.add("c-1", bytes(32), event_id(1), "/context/ip")
    with pytest.raises(InputError, match="no key"):
        people.add("c-2", bytes(32), event_id(1), "/context/ip")
