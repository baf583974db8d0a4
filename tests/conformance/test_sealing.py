"""Sealed values as a story: sealed, found, opened, shown to a court one by one, and erased for good."""

from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ordertrail.adapters.files.kek import create_kek, index_key, load_kek
from ordertrail.adapters.sql.people import PeopleKeys, create_people
from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.ledger.entry import NO_HASH, format_entry
from ordertrail.ledger.hashing import leaf_hash
from ordertrail.record import sealing
from ordertrail.record.encoding import encode
from ordertrail.record.event import Actor, Change, Context, Event, Sealed, SealedValue, Subject
from ordertrail.record.sealing import Sealer, field_key, open_value, seal_value
from ordertrail.testing.conformance.samples import RECORDED, event_id

NOW = datetime(2026, 11, 22, 14, 2, 10, 120_000, tzinfo=UTC)
ANNA, BORIS = "customer-4711", "customer-4712"
IP, NAME, OLD_NAME = "/context/ip", "/changes/0/after", "/changes/0/before"
ANNAS_NAME = {"given": "Anna", "family": "Müller-Österreicher"}
ANNAS_IP = "203.0.113.7"


def order_changed(number: int) -> Event:
    """Return the event of an order whose customer is renamed from Boris's name to Anna's."""
    return Event(
        id=event_id(number),
        time="2026-11-22T14:02:10.120000Z",
        action="order.update",
        actor=Actor("clerk-17", "person"),
        subject=Subject("order", "SO-1042", "SO-1042"),
        changes=(Change("/customer", "Boris Novák", ANNAS_NAME), Change("/total", 100, 120)),
        context=Context(ip=ANNAS_IP, reason="customer called"),
    )


def entry_of(event: Event) -> bytes:
    """Return the bytes that the log keeps of an event."""
    return format_entry(encode(event), 0, RECORDED, NO_HASH, None)


def sealed_at(event: Event, path: str) -> Sealed:
    """Return the sealed value at one of the three places."""
    after, before = event.changes[0].after, event.changes[0].before
    value = {IP: event.context and event.context.ip, NAME: after, OLD_NAME: before}[path]
    return msgspec.convert(msgspec.to_builtins(value), SealedValue).sealed


@pytest.fixture
def people(tmp_path: Path) -> Iterator[PeopleKeys]:
    """People's keys as a trail keeps them, under a key-encryption key from its file."""
    kek = create_kek(tmp_path / "people.kek", None)
    create_people(tmp_path / "people.db")
    people = PeopleKeys(tmp_path / "people.db", kek, lambda: NOW)
    yield people
    people.close()


@pytest.fixture
def sealer(tmp_path: Path, people: PeopleKeys) -> Sealer:
    """A sealer on them."""
    return Sealer(people, people, index_key(load_kek(tmp_path / "people.kek", None)))


@pytest.fixture
def event(sealer: Sealer) -> Event:
    """The event, its personal values sealed: two of Anna's and one of Boris's."""
    return sealer.seal(order_changed(1), {IP: ANNA, NAME: ANNA, OLD_NAME: BORIS})


def test_what_is_sealed_is_not_in_the_entry(event: Event) -> None:
    """Not in any spelling; all else of the event stands as it was."""
    entry = entry_of(event)
    for word in ("Anna", "Müller", "Boris", "Novák", ANNAS_IP):
        assert word.encode() not in entry
    assert event.changes[1] == order_changed(1).changes[1]
    assert (event.actor, event.subject, event.id) == (
        order_changed(1).actor, order_changed(1).subject, order_changed(1).id,
    )  # fmt: skip


def test_the_same_value_is_sealed_differently_each_time(sealer: Sealer) -> None:
    """Nobody sees in the log that two values are equal."""
    first, second = (sealer.seal(order_changed(1), {IP: ANNA}) for _ in range(2))
    one, two = sealed_at(first, IP), sealed_at(second, IP)
    assert one.box != two.box
    other = sealed_at(sealer.seal(order_changed(2), {IP: ANNA}), IP)
    assert len({one.commitment, other.commitment, one.box, two.box, other.box}) == 5


def test_whoever_has_the_keys_opens_every_value(sealer: Sealer, event: Event) -> None:
    """As it was, text or object."""
    assert sealer.open(event, IP) == ANNAS_IP
    assert sealer.open(event, NAME) == ANNAS_NAME
    assert sealer.open(event, OLD_NAME) == "Boris Novák"


def test_sealed_values_are_found_by_equality(sealer: Sealer, event: Event) -> None:
    """In every event, whatever the order of an object's members; nothing else is found."""
    sealer.seal(order_changed(2), {IP: ANNA})
    assert sealer.find(ANNAS_IP) == [(event.id, IP), (event_id(2), IP)]
    assert sealer.find(dict(reversed(ANNAS_NAME.items()))) == [(event.id, NAME)]
    for other in ("203.0.113.70", "203.0.113.", "", "anna", {"given": "Anna"}):
        assert sealer.find(other) == []


def test_without_the_index_key_a_guess_finds_nothing(
    tmp_path: Path, people: PeopleKeys, event: Event
) -> None:
    """The file of tokens alone does not tell whether a guess is right."""
    del event
    assert Sealer(people, people, bytes(32)).find(ANNAS_IP) == []
    raw = (tmp_path / "people.db").read_bytes()
    assert ANNAS_IP.encode() not in raw
    assert b"Anna" not in raw


def test_the_key_of_one_field_opens_that_field_alone(
    sealer: Sealer, people: PeopleKeys, event: Event
) -> None:
    """A court that is shown one value learns no other, of the same person neither, nor in another event."""
    again = sealer.seal(order_changed(2), {IP: ANNA, NAME: ANNA})
    shown = sealer.disclose(event, IP)
    assert open_value(sealed_at(event, IP), shown, event_id=event.id, path=IP) == ANNAS_IP
    assert shown != people.get(ANNA)
    for where, path in ((event, NAME), (event, OLD_NAME), (again, IP), (again, NAME)):
        with pytest.raises(EvidenceError):
            open_value(sealed_at(where, path), shown, event_id=where.id, path=path)


@pytest.mark.parametrize("part", ["box", "commitment", "both", "path", "event"])
def test_nothing_can_be_moved_to_another_place(sealer: Sealer, event: Event, part: str) -> None:
    """A box, a commitment, or both from another place of the same person; the value read as another's."""
    again = sealer.seal(order_changed(2), {IP: ANNA})
    key, own, other = sealer.disclose(event, IP), sealed_at(event, IP), sealed_at(again, IP)
    moved = {
        "box": Sealed(ANNA, other.box, own.commitment),
        "commitment": Sealed(ANNA, own.box, other.commitment),
        "both": other,
    }.get(part, own)
    place = {"path": (event.id, NAME), "event": (again.id, IP)}.get(part, (event.id, IP))
    with pytest.raises(EvidenceError):
        open_value(moved, key, event_id=place[0], path=place[1])


def test_a_value_under_another_persons_name_does_not_open(sealer: Sealer, event: Event) -> None:
    """The person's key is part of the place."""
    own = sealed_at(event, IP)
    moved = msgspec.structs.replace(
        event, context=Context(ip=SealedValue(Sealed(BORIS, own.box, own.commitment)))
    )
    with pytest.raises(EvidenceError):
        sealer.open(moved, IP)


@pytest.mark.parametrize("field", ["box", "commitment"])
def test_every_byte_of_a_sealed_value_counts(sealer: Sealer, event: Event, field: str) -> None:
    """One flipped bit anywhere, a byte less or a byte more, and it does not open."""
    key, own = sealer.disclose(event, IP), sealed_at(event, IP)
    data = b64decode(getattr(own, field))
    damaged = [data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] for at in range(len(data))]
    for text in (
        *(b64encode(one).decode() for one in (*damaged, data[:-1], data + b"\0", b"")),
        "no base64",
        "ß",
    ):
        with pytest.raises(EvidenceError):
            open_value(msgspec.structs.replace(own, **{field: text}), key, event_id=event.id, path=IP)


def test_a_box_made_for_two_keys_opens_with_the_one_committed_to(people: PeopleKeys) -> None:
    """AES-GCM lets one box open to two texts under two keys; the commitment says which was sealed."""
    identity = event_id(1)
    first, second = (field_key(people.create(person), identity, IP) for person in (ANNA, BORIS))
    place = sealing._place(identity, IP)
    box, plain = _box_for_two_keys(first, second, place)
    committed = Sealed(
        ANNA, b64encode(box).decode(), b64encode(sealing._commitment(first, place, plain)).decode()
    )
    other = AESGCM(second).decrypt(box[:12], box[12:], place)
    assert other != plain, "the box opens with both keys, to two texts"
    assert open_value(committed, first, event_id=identity, path=IP) == msgspec.json.decode(plain)
    with pytest.raises(EvidenceError, match="not the one committed to"):
        open_value(committed, second, event_id=identity, path=IP)


def _box_for_two_keys(first: bytes, second: bytes, place: bytes) -> tuple[bytes, bytes]:
    """Craft a box that both keys open, to JSON text under the first; return it and that text.

    For a given nonce the two tags differ by an affine function, over GF(2), of the text's bits. A text of
    40 characters with five free bits each has more unknowns than the tag's 128 equations.
    """
    nonce, length = bytes(12), 40
    streams = [AESGCM(key).encrypt(nonce, bytes(length + 2), None)[: length + 2] for key in (first, second)]

    def text(bits: int) -> bytes:
        free = bytes(0x60 | bits >> 5 * at & 0x1F for at in range(length))
        return b'"' + free + b'"'

    def difference(bits: int) -> int:
        boxed = _xor(text(bits), streams[0])
        tags = [
            AESGCM(key).encrypt(nonce, _xor(boxed, stream), place)[-16:]
            for key, stream in zip((first, second), streams, strict=True)
        ]
        return int.from_bytes(_xor(*tags))

    target = difference(0)
    solved: dict[int, tuple[int, int]] = {}
    for unknown in range(5 * length):
        value, bits = _reduced(difference(1 << unknown) ^ target, 1 << unknown, solved)
        if value:
            solved[value.bit_length()] = (value, bits)
    rest, bits = _reduced(target, 0, solved)
    assert rest == 0, "128 equations in 200 unknowns have a solution"
    return nonce + AESGCM(first).encrypt(nonce, text(bits), place), text(bits)


def _reduced(value: int, bits: int, solved: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """Take from a value, highest bit first, every row of a system in echelon form that fits it."""
    for top in sorted(solved, reverse=True):
        if value.bit_length() == top:
            value, bits = value ^ solved[top][0], bits ^ solved[top][1]
    return value, bits


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def test_erased_is_gone_for_everyone_and_nothing_else_changes(sealer: Sealer, event: Event) -> None:
    """Anna's values cannot be opened, disclosed or found; entry and hash stand; Boris's are as they were."""
    entry, leaf = entry_of(event), leaf_hash(entry_of(event))
    assert sealer.erase(ANNA) is True
    for path in (IP, NAME):
        with pytest.raises(InputError) as caught:
            sealer.open(event, path)
        assert "destroyed" in caught.value.message
        with pytest.raises(InputError):
            sealer.disclose(event, path)
    assert sealer.find(ANNAS_IP) == sealer.find(ANNAS_NAME) == []
    assert (entry_of(event), leaf_hash(entry_of(event))) == (entry, leaf)
    assert sealer.open(event, OLD_NAME) == "Boris Novák"
    assert sealer.find("Boris Novák") == [(event.id, OLD_NAME)]
    assert sealer.erase(ANNA) is False


def test_what_was_disclosed_before_can_still_be_checked(sealer: Sealer, event: Event) -> None:
    """A court's copy of one field's key proves that field, and only that, after the person was erased."""
    shown = sealer.disclose(event, IP)
    sealer.erase(ANNA)
    assert open_value(sealed_at(event, IP), shown, event_id=event.id, path=IP) == ANNAS_IP
    with pytest.raises(EvidenceError):
        open_value(sealed_at(event, NAME), shown, event_id=event.id, path=NAME)


def test_of_an_erased_person_nothing_is_sealed_any_more(sealer: Sealer, event: Event) -> None:
    """A late event is refused with its reason; it cannot bring the person back."""
    del event
    sealer.erase(ANNA)
    with pytest.raises(InputError, match="never made again"):
        sealer.seal(order_changed(2), {IP: ANNA})
    assert sealer.find(ANNAS_IP) == []


def test_erasure_takes_the_key_from_the_file(tmp_path: Path, people: PeopleKeys, sealer: Sealer) -> None:
    """Not one byte string of the wrapped key or of a token is left in people.db."""
    sealer.seal(order_changed(1), {IP: ANNA, NAME: ANNA, OLD_NAME: BORIS})
    with people._database.read() as connection:
        found = connection.exec_driver_sql("SELECT person, wrapped FROM person_key").all()
    wrapped = {row.person: row.wrapped for row in found}
    tokens = [sealer._token(value) for value in (ANNAS_IP, ANNAS_NAME)]
    path = tmp_path / "people.db"
    assert all(secret in path.read_bytes() for secret in (wrapped[ANNA], wrapped[BORIS], *tokens))
    sealer.erase(ANNA)
    raw = path.read_bytes()
    assert not any(secret in raw for secret in (wrapped[ANNA], *tokens))
    assert wrapped[BORIS] in raw
    assert [one.name for one in tmp_path.glob("people.db*")] == ["people.db"]


def test_where_there_is_nothing_to_seal_the_event_is_refused(sealer: Sealer, event: Event) -> None:
    """Every such path is named: absent, not a pointer into the event, or sealed already."""
    wrong = ["/context/phone", "/changes/7/after", "/changes/x/after", "", "/context/ip/0"]
    with pytest.raises(InputError) as caught:
        sealer.seal(order_changed(2), dict.fromkeys(wrong, ANNA))
    assert [problem.path for problem in caught.value.problems] == wrong
    with pytest.raises(InputError):
        sealer.seal(event, {IP: ANNA})


def test_what_is_not_sealed_cannot_be_opened(sealer: Sealer) -> None:
    """InputError, for an open value and for none."""
    for path in (IP, "/context/phone", "/changes/0/after"):
        with pytest.raises(InputError):
            sealer.open(order_changed(1), path)


def test_a_value_is_what_its_canonical_bytes_are() -> None:
    """Text, numbers, truth, nothing, lists and objects come out as they went in."""
    key = bytes(range(32))
    for value in ("", "€ 😀", 0, -5, True, None, [1, "2"], {"b": 1, "a": [None]}):
        sealed = seal_value(value, key, person=ANNA, event_id=event_id(1), path=NAME).sealed
        assert open_value(sealed, key, event_id=event_id(1), path=NAME) == value
