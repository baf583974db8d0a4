"""What :class:`ordertrail.ledger.ports.Publication` promises."""

import base64
from collections.abc import Callable
from threading import Event

import pytest

from ordertrail.kernel.errors import ForkError
from ordertrail.ledger.ports import Publication
from ordertrail.testing.conformance.together import at_once

Reopen = Callable[[], Publication]

VKEYS = ("log+00000000+first", "log+00000001+next")


class PublicationSuite:
    """Give ``reopen``; nothing is published yet."""

    @pytest.fixture
    def reopen(self) -> Reopen:
        """Open the publication once more."""
        raise NotImplementedError("a publication's suite needs a fixture 'reopen'")

    @pytest.fixture
    def publication(self, reopen: Reopen) -> Publication:
        """The publication under test."""
        return reopen()

    def test_before_the_first_there_is_none(self, publication: Publication) -> None:
        """Not an empty checkpoint: none."""
        assert publication.checkpoint() is None

    def test_the_newest_checkpoint_replaces_the_one_before(self, publication: Publication) -> None:
        """Longer or shorter, to the byte, and the same one again."""
        for checkpoint in (b"log\n1\n\n", b"log\n" + b"x" * 5_000, b"l", b"l"):
            publication.publish(checkpoint, VKEYS)
            assert publication.checkpoint() == checkpoint

    def test_it_never_moves_back(self, publication: Publication, reopen: Reopen) -> None:
        """ForkError for a checkpoint of fewer entries, and nothing is replaced; the same size is welcome again."""
        for size in (9, 10, 10, 100):
            publication.publish(_note(size), VKEYS[:1])
        for size in (99, 10, 0):
            with pytest.raises(ForkError):
                reopen().publish(_note(size), VKEYS)
        assert publication.checkpoint() == _note(100)
        publication.publish(_note(0, "another/log"), VKEYS)
        assert reopen().checkpoint() == _note(0, "another/log")

    def test_what_was_published_is_there_when_it_is_opened_again(
        self, publication: Publication, reopen: Reopen
    ) -> None:
        """Once ``publish`` returned, a second opener finds it."""
        publication.publish(b"first", VKEYS[:1])
        publication.publish(b"second", VKEYS)
        assert reopen().checkpoint() == b"second"

    def test_a_reader_sees_the_old_or_the_new_whole(self, reopen: Reopen) -> None:
        """Whenever it looks."""
        writer, reader, done = reopen(), reopen(), Event()
        notes = [b"%d" % (number % 10) * (1 + 9_999 * (number % 2)) for number in range(60)]
        writer.publish(notes[0], VKEYS)

        def write() -> set[bytes | None]:
            try:
                for note in notes:
                    writer.publish(note, VKEYS)
            finally:
                done.set()
            return set()

        def watch() -> set[bytes | None]:
            seen = set()
            while not done.is_set():
                seen.add(reader.checkpoint())
            return seen

        _, seen = at_once(write, watch)
        assert isinstance(seen, set)
        assert seen <= set(notes)
        assert reader.checkpoint() == notes[-1]


def _note(size: int, origin: str = "shop.example/orders") -> bytes:
    """Return a checkpoint in the form of a signed note; nobody checks its signature here."""
    signature = base64.b64encode(bytes(68)).decode()
    return f"{origin}\n{size}\n{base64.b64encode(bytes(32)).decode()}\n\n— {origin} {signature}\n".encode()
