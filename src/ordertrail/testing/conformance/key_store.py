"""What :class:`ordertrail.record.ports.KeyStore` promises."""

from collections.abc import Callable
from functools import partial

import pytest

from ordertrail.kernel.errors import InputError
from ordertrail.record.ports import KeyStore
from ordertrail.testing.conformance.together import at_once

Reopen = Callable[[], KeyStore]


class KeyStoreSuite:
    """Give ``reopen``; no person has a key yet."""

    @pytest.fixture
    def reopen(self) -> Reopen:
        """Open the store once more."""
        raise NotImplementedError("a key store's suite needs a fixture 'reopen'")

    @pytest.fixture
    def keys(self, reopen: Reopen) -> KeyStore:
        """The store under test."""
        return reopen()

    def test_a_person_without_a_key_has_none(self, keys: KeyStore) -> None:
        """And asking does not make one."""
        assert keys.get("c-1") is None
        assert keys.get("c-1") is None

    def test_a_key_is_made_once(self, keys: KeyStore) -> None:
        """32 bytes, the same whenever it is asked for."""
        key = keys.create("c-1")
        assert len(key) == 32
        assert keys.create("c-1") == key
        assert keys.get("c-1") == key

    def test_each_person_has_their_own(self, keys: KeyStore) -> None:
        """Whatever their id looks like."""
        people = ["c-1", "C-1", "c-1 ", "größer 😀", "'; --", "c" * 500]
        assert len({keys.create(person) for person in people}) == len(people)

    def test_a_key_is_there_when_it_is_opened_again(self, keys: KeyStore, reopen: Reopen) -> None:
        """Once ``create`` returned: what was sealed under it can be opened."""
        assert reopen().get("c-1") is None
        key = keys.create("c-1")
        assert reopen().get("c-1") == key
        assert reopen().create("c-1") == key

    def test_a_destroyed_key_is_gone_for_everyone(self, keys: KeyStore, reopen: Reopen) -> None:
        """At once, for those who had read it too; of what was destroyed nothing can be destroyed again."""
        other = reopen()
        keys.create("c-1")
        assert other.get("c-1") is not None
        assert keys.destroy("c-1") is True
        for one in (keys, other, reopen()):
            assert one.get("c-1") is None
            assert one.destroy("c-1") is False

    def test_a_destroyed_key_is_never_made_again(self, keys: KeyStore, reopen: Reopen) -> None:
        """InputError, here and wherever it is opened later."""
        keys.create("c-1")
        keys.destroy("c-1")
        for one in (keys, reopen()):
            with pytest.raises(InputError):
                one.create("c-1")
            assert one.get("c-1") is None

    def test_who_has_no_key_has_nothing_to_destroy(self, keys: KeyStore) -> None:
        """And may get a key later."""
        assert keys.destroy("c-1") is False
        assert len(keys.create("c-1")) == 32

    def test_others_keep_their_keys(self, keys: KeyStore) -> None:
        """Erasing one person touches nobody else."""
        kept = {person: keys.create(person) for person in ("c-1", "c-2", "c-3", "c-20")}
        keys.destroy("c-2")
        del kept["c-2"]
        assert {person: keys.get(person) for person in kept} == kept

    def test_all_who_make_a_key_at_once_get_the_same(self, reopen: Reopen) -> None:
        """Or what one of them sealed could never be opened."""

        def creating() -> Callable[[], tuple[bytes, ...]]:
            keys = reopen()
            return lambda: tuple(keys.create(f"c-{number}") for number in range(12))

        outcomes = at_once(*(creating() for _ in range(4)))
        assert all(isinstance(outcome, tuple) for outcome in outcomes)
        assert len(set(outcomes)) == 1

    def test_making_and_destroying_at_once_ends_destroyed(self, reopen: Reopen) -> None:
        """Whoever comes late is refused; no key is left behind."""
        stores = [reopen() for _ in range(4)]
        for person in (f"c-{number}" for number in range(8)):
            stores[0].create(person)
            creating: list[Callable[[], object]] = [partial(store.create, person) for store in stores[1:]]
            at_once(partial(stores[0].destroy, person), *creating)
            assert [store.get(person) for store in stores] == [None] * 4
