"""What :class:`ordertrail.vault.ports.Vault` promises."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from ordertrail.kernel.errors import EvidenceError, InputError, UnavailableError
from ordertrail.testing.conformance.together import at_once
from ordertrail.vault.ports import Kept, Vault

Reopen = Callable[[], Vault]

SOON = datetime(2027, 1, 1, tzinfo=UTC)
LATER = datetime(2033, 11, 20, 14, 2, 11, 4_512, tzinfo=UTC)
LATEST = datetime(2036, 1, 1, tzinfo=UTC)

OBJECT = "tile/0/000"
PARTIAL = "tile/0/000.p/8"


class VaultSuite:
    """Give ``reopen``, a vault with nothing in it; ``unreachable`` if it can be had."""

    @pytest.fixture
    def reopen(self) -> Reopen:
        """Open the vault once more."""
        raise NotImplementedError("a vault's suite needs a fixture 'reopen'")

    @pytest.fixture
    def vault(self, reopen: Reopen) -> Vault:
        """The vault under test."""
        return reopen()

    @pytest.fixture
    def unreachable(self) -> Vault:
        """A vault whose store cannot be used."""
        pytest.skip("this vault gives no way to make its store unusable")

    def test_what_is_not_there_is_none(self, vault: Vault) -> None:
        """Its bytes and how it is kept; a folder is not an object."""
        for path in (OBJECT, "tile", "tile/0"):
            assert (vault.get(path), vault.kept(path)) == (None, None)
        vault.put([(OBJECT, b"tile")], SOON)
        for path in ("tile", "tile/0", "tile/0/001", f"{OBJECT}/1"):
            assert (vault.get(path), vault.kept(path)) == (None, None)

    def test_objects_are_kept_to_the_byte_for_their_term(self, vault: Vault) -> None:
        """Bytes, length and term are what was put, to the second at least; nobody may write to it."""
        objects = [
            (OBJECT, bytes(range(256)) * 32),
            (PARTIAL, b"partial"),
            ("ab/empty", b""),
            ("ab/größer 2", b"x"),
        ]
        vault.put(objects, LATER)
        for path, data in objects:
            assert vault.get(path) == data
            kept = vault.kept(path)
            assert kept is not None
            assert (kept.length, kept.read_only) == (len(data), True)
            assert lasts(kept.until, LATER)

    def test_a_term_is_a_moment_whatever_its_zone(self, vault: Vault) -> None:
        """Two spellings of one time are one term."""
        elsewhere = LATER.astimezone(datetime.strptime("+0530", "%z").tzinfo)
        vault.put([(OBJECT, b"tile")], elsewhere)
        assert lasts(_until(vault, OBJECT), LATER)
        vault.extend(OBJECT, LATER)

    def test_the_same_bytes_lengthen_the_term_and_never_shorten_it(self, vault: Vault) -> None:
        """Put again, an object is kept until the latest time that was asked for."""
        for until, expected in ((LATER, LATER), (SOON, LATER), (LATEST, LATEST), (LATER, LATEST)):
            vault.put([(OBJECT, b"tile"), (PARTIAL, b"partial")], until)
            assert lasts(_until(vault, OBJECT), expected)
            assert lasts(_until(vault, PARTIAL), expected)

    def test_other_bytes_change_neither_object_nor_term(self, vault: Vault, reopen: Reopen) -> None:
        """EvidenceError; the first bytes stay, for the term that they had."""
        vault.put([(OBJECT, b"tile")], LATER)
        for other in (b"tilE", b"", b"tile and more"):
            with pytest.raises(EvidenceError):
                vault.put([(OBJECT, other)], LATEST)
        for one in (vault, reopen()):
            assert one.get(OBJECT) == b"tile"
            assert lasts(_until(one, OBJECT), LATER)

    def test_a_term_is_lengthened_and_never_shortened(self, vault: Vault, reopen: Reopen) -> None:
        """``extend`` to a later or the same time; InputError for an earlier one, and nothing changes."""
        vault.put([(OBJECT, b"tile"), (PARTIAL, b"partial")], LATER)
        vault.extend(OBJECT, LATER)
        vault.extend(PARTIAL, LATEST)
        with pytest.raises(InputError):
            vault.extend(OBJECT, LATER - timedelta(seconds=1))
        for one in (vault, reopen()):
            assert lasts(_until(one, OBJECT), LATER)
            assert lasts(_until(one, PARTIAL), LATEST)

    def test_what_is_not_there_has_no_term(self, vault: Vault) -> None:
        """``extend`` raises InputError."""
        with pytest.raises(InputError):
            vault.extend(OBJECT, LATER)
        assert vault.kept(OBJECT) is None

    def test_paths_are_those_of_the_objects_below(self, vault: Vault) -> None:
        """Each once, none of the store's own bookkeeping; a prefix is a folder."""
        paths = {OBJECT, PARTIAL, "tile/1/000", "tiles/0", "checkpoint"}
        assert set(vault.paths("")) == set()
        vault.put([(path, b"x") for path in paths], LATER)
        vault.put([(OBJECT, b"x")], LATEST)
        vault.extend(PARTIAL, LATEST)
        assert sorted(vault.paths("")) == sorted(paths)
        assert sorted(vault.paths("tile")) == sorted({OBJECT, PARTIAL, "tile/1/000"})
        assert set(vault.paths("absent")) == set()

    def test_what_was_put_is_there_when_it_is_opened_again(self, vault: Vault, reopen: Reopen) -> None:
        """Object and term."""
        vault.put([(OBJECT, b"tile")], LATER)
        other = reopen()
        assert (other.get(OBJECT), other.kept(OBJECT)) == (b"tile", vault.kept(OBJECT))

    def test_each_opener_sees_the_terms_of_the_other(self, vault: Vault, reopen: Reopen) -> None:
        """A term that one lengthened cannot be shortened by the other, which read it before."""
        other = reopen()
        vault.put([(OBJECT, b"tile")], SOON)
        assert _until(other, OBJECT) == SOON
        vault.extend(OBJECT, LATEST)
        with pytest.raises(InputError):
            other.extend(OBJECT, LATER)
        other.put([(OBJECT, b"tile")], LATER)
        assert (_until(vault, OBJECT), _until(other, OBJECT)) == (LATEST, LATEST)

    def test_two_that_put_the_same_path_agree_or_one_of_them_fails(self, reopen: Reopen) -> None:
        """Equal bytes: all succeed, for the longest term. Other bytes: one succeeds."""

        def putting(path: str, data: bytes, until: datetime) -> Callable[[], bytes]:
            vault = reopen()

            def put() -> bytes:
                vault.put([(path, data)], until)
                return data

            return put

        assert at_once(*(putting(OBJECT, b"x", until) for until in (SOON, LATEST, LATER))) == [b"x"] * 3
        assert _until(reopen(), OBJECT) == LATEST
        outcomes = at_once(*(putting(PARTIAL, data, SOON) for data in (b"one", b"two", b"three")))
        kept = [outcome for outcome in outcomes if isinstance(outcome, bytes)]
        assert len(kept) == 1
        assert [type(outcome) for outcome in outcomes if outcome not in kept] == [EvidenceError] * 2
        assert (reopen().get(PARTIAL), _until(reopen(), PARTIAL)) == (kept[0], SOON)

    def test_a_store_that_cannot_be_used_is_unavailable(self, unreachable: Vault) -> None:
        """UnavailableError, so that the caller retries."""
        with pytest.raises(UnavailableError):
            unreachable.put([(OBJECT, b"tile")], LATER)


def lasts(until: datetime | None, asked: datetime) -> bool:
    """Say whether a term is what was asked for, or less than the one second longer that a store may round up."""
    return until is not None and asked <= until < asked + timedelta(seconds=1)


def _until(vault: Vault, path: str) -> datetime | None:
    kept: Kept | None = vault.kept(path)
    assert kept is not None
    return kept.until
