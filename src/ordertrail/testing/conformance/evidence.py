"""What the ports of :mod:`ordertrail.evidence.ports` promise: the book of cases, the book of custody, the shelf."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from ordertrail.evidence.cases import Act, ActKind, Pinned
from ordertrail.evidence.custody import CustodyAct, CustodyKind, Kept
from ordertrail.evidence.ports import CaseBook, CustodyBook, Shelf
from ordertrail.kernel.errors import EvidenceError
from ordertrail.kernel.ids import new_id
from ordertrail.testing.conformance.together import at_once

ReopenCases = Callable[[], CaseBook]
ReopenCustody = Callable[[], CustodyBook]
ReopenShelf = Callable[[], Shelf]

_AT = "2026-11-22T14:02:10.000000Z"


def _act(case: str, number: int = 1, kind: ActKind = ActKind.OPEN, text: str = "") -> Act:
    return Act(case, number, kind, "ada", _AT, new_id(), text=text)


def _append(book: CaseBook | CustodyBook, act: Act | CustodyAct) -> bool:
    return book.append(act)  # type: ignore[arg-type]  # each is given its own


class CaseBookSuite:
    """Give ``reopen``; there is no case yet."""

    @pytest.fixture
    def reopen(self) -> ReopenCases:
        """Open the store once more."""
        raise NotImplementedError("the suite of case books needs a fixture 'reopen'")

    def test_acts_come_back_as_they_were_added(self, reopen: ReopenCases) -> None:
        """Every field of every kind of act, in their order, to whoever opens the store next."""
        case, pinned = new_id(), Pinned(new_id(), "default", 7, b"\x00entry\xff", b"\x00proof\xff")
        acts = [
            replace(_act(case, text="Prices - „November”"), template="price-override"),
            replace(_act(case, 2, ActKind.ADD), pinned=pinned),
            replace(_act(case, 3, ActKind.SET_ASIDE, "another order's"), set_aside=pinned.event),
            replace(_act(case, 4, ActKind.NOTE, "x" * 20_000), person=False),
        ]
        book = reopen()
        assert [book.append(act) for act in acts] == [True] * len(acts)
        assert list(reopen().acts(case)) == acts
        assert list(reopen().acts(new_id())) == []

    def test_of_two_acts_of_one_number_one_is_added(self, reopen: ReopenCases) -> None:
        """The other gets False, and nothing of it is there; another case's numbers are its own."""
        book, case, other = reopen(), new_id(), new_id()
        first = _act(case, text="first")
        assert book.append(first)
        assert not reopen().append(_act(case, text="second"))
        assert book.append(_act(other))
        assert list(book.acts(case)) == [first]

    def test_of_many_at_once_one_is_added(self, reopen: ReopenCases) -> None:
        """However many add the same number at the same time."""
        case, book = new_id(), reopen()
        assert book.append(_act(case))
        acts = [_act(case, 2, ActKind.NOTE, f"note {n}") for n in range(8)]
        added = at_once(*(partial(_append, reopen(), act) for act in acts))
        assert added.count(True) == 1
        assert list(book.acts(case))[1:] == [acts[added.index(True)]]

    def test_cases_come_in_pages_the_newest_first(self, reopen: ReopenCases) -> None:
        """Each once, however small the pages are; a case is as new as its first act."""
        book, made = reopen(), [new_id() for _ in range(7)]
        for case in made:
            assert book.append(_act(case))
        assert book.append(_act(made[0], 2, ActKind.NOTE, "later"))
        seen: list[str] = []
        while page := book.cases(3, seen[-1] if seen else None):
            assert len(page) <= 3
            seen += page
        assert seen == sorted(made, reverse=True)


def _kept(bundle: str, case: str | None = None) -> Kept:
    return Kept(bundle, "3 events of SO-1042 - „all”", 2**40, "ab" * 32, "cd" * 32, case)


def _happened(bundle: str, number: int, kind: CustodyKind = CustodyKind.MADE) -> CustodyAct:
    return CustodyAct(bundle, number, kind, "ada", _AT, new_id())


class CustodyBookSuite:
    """Give ``reopen``; there is no bundle yet."""

    @pytest.fixture
    def reopen(self) -> ReopenCustody:
        """Open the store once more."""
        raise NotImplementedError("the suite of custody books needs a fixture 'reopen'")

    def test_a_bundle_is_found_with_all_that_happened_to_it(self, reopen: ReopenCustody) -> None:
        """Every field, in the order of numbers, to whoever opens the store next; nothing of another bundle's."""
        book, bundle, other = reopen(), new_id(), new_id()
        book.keep(_kept(bundle, new_id()))
        kept = book.find(bundle)
        assert kept is not None
        assert kept.custody == ()
        book.keep(_kept(other))
        linked = replace(
            _happened(bundle, 2, CustodyKind.LINKED), link="ef" * 32, until=_AT, whom="Counsel & Söhne"
        )
        acts = [_happened(bundle, 1), linked, _happened(bundle, 3, CustodyKind.DOWNLOADED)]
        assert [book.append(act) for act in acts] == [True] * 3
        assert book.append(_happened(other, 1))
        found = reopen().find(bundle)
        assert found == replace(kept, custody=tuple(acts))
        assert reopen().find(new_id()) is None

    def test_a_bundle_that_is_there_is_left_as_it_is(self, reopen: ReopenCustody) -> None:
        """Nobody gives a bundle another hash, or another history, by keeping it once more."""
        book, bundle = reopen(), new_id()
        book.keep(_kept(bundle))
        made = _happened(bundle, 1)
        assert book.append(made)
        reopen().keep(replace(_kept(bundle), sha256="00" * 32, custody=(_happened(bundle, 1),)))
        found = book.find(bundle)
        assert found == replace(_kept(bundle), custody=(made,))

    def test_of_many_acts_of_one_number_one_is_added(self, reopen: ReopenCustody) -> None:
        """However many add the same number at the same time, one gets True."""
        book, bundle = reopen(), new_id()
        book.keep(_kept(bundle))
        acts = [replace(_happened(bundle, 1), by=f"person-{n}") for n in range(8)]
        added = at_once(*(partial(_append, reopen(), act) for act in acts))
        assert added.count(True) == 1
        found = book.find(bundle)
        assert found is not None
        assert found.custody == (acts[added.index(True)],)

    def test_bundles_come_in_pages_the_newest_first(self, reopen: ReopenCustody) -> None:
        """Each once with its custody, however small the pages are."""
        book, made = reopen(), [new_id() for _ in range(7)]
        for bundle in made:
            book.keep(_kept(bundle))
        assert book.append(_happened(made[3], 1))
        seen: list[Kept] = []
        while page := book.bundles(3, seen[-1].bundle if seen else None):
            assert len(page) <= 3
            seen += page
        assert [one.bundle for one in seen] == sorted(made, reverse=True)
        assert [len(one.custody) for one in seen if one.bundle == made[3]] == [1]


class ShelfSuite:
    """Give ``reopen``; there is no bundle yet."""

    @pytest.fixture
    def reopen(self) -> ReopenShelf:
        """Open the store once more."""
        raise NotImplementedError("the suite of shelves needs a fixture 'reopen'")

    def test_bytes_come_back(self, reopen: ReopenShelf) -> None:
        """All of them, to whoever opens the store next; of a bundle that is not there, none."""
        bundle, data = new_id(), bytes(range(256)) * 4_096
        reopen().put(bundle, data)
        assert reopen().get(bundle) == data
        assert reopen().get(new_id()) is None

    def test_a_bundle_is_written_once(self, reopen: ReopenShelf) -> None:
        """The same bytes once more change nothing; other bytes are refused, and the first stay."""
        shelf, bundle = reopen(), new_id()
        shelf.put(bundle, b"first")
        shelf.put(bundle, b"first")
        with pytest.raises(EvidenceError):
            reopen().put(bundle, b"other")
        assert shelf.get(bundle) == b"first"

    def test_of_many_at_once_one_stays(self, reopen: ReopenShelf) -> None:
        """However many put other bytes under one name at the same time: one's are there, whole; the others know."""
        bundle, sorts = new_id(), [bytes([n]) * 100_000 for n in range(6)]

        def put(data: bytes) -> bool:
            try:
                reopen().put(bundle, data)
            except EvidenceError:
                return False
            return True

        done = at_once(*(partial(put, data) for data in sorts))
        assert done.count(True) == 1
        assert reopen().get(bundle) == sorts[done.index(True)]

    def test_what_is_removed_is_gone(self, reopen: ReopenShelf) -> None:
        """To everybody, with how many bytes it had; the others stay, and once more it changes nothing."""
        gone, stays = sorted((new_id(), new_id()))
        for bundle in (gone, stays):
            reopen().put(bundle, b"12345")
        assert list(reopen().bundles()) == [gone, stays]
        assert reopen().remove(gone) == 5
        assert reopen().remove(gone) == 0
        assert reopen().get(gone) is None
        assert list(reopen().bundles()) == [stays]
        assert reopen().get(stays) == b"12345"
