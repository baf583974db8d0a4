"""What :class:`ordertrail.record.ports.BlindIndex` promises."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Protocol

import pytest

from ordertrail.kernel.errors import InputError
from ordertrail.record.ports import BlindIndex, KeyStore
from ordertrail.testing.conformance.samples import event_id
from ordertrail.testing.conformance.together import at_once


class People(KeyStore, BlindIndex, Protocol):
    """Keys and tokens in one store: who destroys a key forgets its tokens."""


Reopen = Callable[[], People]

TOKEN, OTHER_TOKEN = bytes(range(32)), bytes(range(32, 64))
EVENT, NEXT_EVENT = event_id(1), event_id(2)


class BlindIndexSuite:
    """Give ``reopen``; the index is empty, and no person has a key yet."""

    @pytest.fixture
    def reopen(self) -> Reopen:
        """Open the store once more."""
        raise NotImplementedError("a blind index's suite needs a fixture 'reopen'")

    @pytest.fixture
    def people(self, reopen: Reopen) -> People:
        """The store under test, with the keys of two persons."""
        people = reopen()
        people.create("c-1")
        people.create("c-2")
        return people

    def test_what_was_added_is_found_by_its_token(self, people: People) -> None:
        """Every place with this token, whosever, and no other."""
        people.add("c-1", TOKEN, EVENT, "/context/ip")
        people.add("c-1", TOKEN, NEXT_EVENT, "/changes/0/after")
        people.add("c-2", TOKEN, NEXT_EVENT, "/context/ip")
        people.add("c-2", OTHER_TOKEN, EVENT, "/changes/0/after")
        assert sorted(people.find(TOKEN)) == [
            (EVENT, "/context/ip"),
            (NEXT_EVENT, "/changes/0/after"),
            (NEXT_EVENT, "/context/ip"),
        ]
        assert people.find(OTHER_TOKEN) == [(EVENT, "/changes/0/after")]

    def test_a_token_that_nobody_added_finds_nothing(self, people: People) -> None:
        """Nor does a part of one."""
        people.add("c-1", TOKEN, EVENT, "/context/ip")
        assert people.find(OTHER_TOKEN) == []
        assert people.find(TOKEN[:16]) == []

    def test_adding_again_adds_nothing(self, people: People) -> None:
        """An event that comes again is found once."""
        for _ in range(2):
            people.add("c-1", TOKEN, EVENT, "/context/ip")
        assert people.find(TOKEN) == [(EVENT, "/context/ip")]

    def test_what_was_added_is_there_when_it_is_opened_again(self, people: People, reopen: Reopen) -> None:
        """Or a value that was sealed could not be found."""
        people.add("c-1", TOKEN, EVENT, "/context/ip")
        assert reopen().find(TOKEN) == [(EVENT, "/context/ip")]

    def test_a_person_is_forgotten_with_their_key(self, people: People, reopen: Reopen) -> None:
        """All their places, and nobody else's, wherever it is opened."""
        other = reopen()
        for person, event in (("c-1", EVENT), ("c-2", NEXT_EVENT)):
            people.add(person, TOKEN, event, "/context/ip")
        people.add("c-1", OTHER_TOKEN, EVENT, "/changes/0/after")
        people.destroy("c-1")
        for one in (people, other, reopen()):
            assert one.find(TOKEN) == [(NEXT_EVENT, "/context/ip")]
            assert one.find(OTHER_TOKEN) == []

    def test_of_an_erased_person_nothing_is_remembered_any_more(self, people: People) -> None:
        """What comes too late is refused or dropped: a guess could be tested against its token."""
        people.destroy("c-1")
        with suppress(InputError):
            people.add("c-1", TOKEN, EVENT, "/context/ip")
        assert people.find(TOKEN) == []

    def test_adding_and_destroying_at_once_leaves_nothing(self, reopen: Reopen) -> None:
        """Whichever comes first."""
        stores = [reopen() for _ in range(3)]
        for number in range(6):
            person, token = f"c-{number}", bytes([number]) * 32
            stores[0].create(person)
            adding: list[Callable[[], object]] = [
                partial(store.add, person, token, EVENT, "/context/ip") for store in stores[1:]
            ]
            at_once(partial(stores[0].destroy, person), *adding)
            assert stores[1].find(token) == []

    def test_many_may_add_at_once(self, reopen: Reopen) -> None:
        """Nothing of what any of them added is lost."""
        reopen().create("c-1")

        def adding(path: str) -> Callable[[], None]:
            people = reopen()

            def add() -> None:
                for number in range(8):
                    people.add("c-1", TOKEN, event_id(number), path)

            return add

        assert at_once(adding("/a"), adding("/b"), adding("/a")) == [None] * 3
        assert sorted(reopen().find(TOKEN)) == sorted(
            (event_id(n), path) for n in range(8) for path in ("/a", "/b")
        )
