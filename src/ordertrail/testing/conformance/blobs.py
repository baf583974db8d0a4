"""What :class:`ordertrail.record.ports.Blobs` promises."""

import hashlib
from collections.abc import Callable

import pytest

from ordertrail.record.ports import Blobs
from ordertrail.testing.conformance.together import at_once

Reopen = Callable[[], Blobs]


class BlobsSuite:
    """Give ``reopen``; there is no blob yet."""

    @pytest.fixture
    def reopen(self) -> Reopen:
        """Open the store once more."""
        raise NotImplementedError("the suite of blobs needs a fixture 'reopen'")

    @pytest.fixture
    def blobs(self, reopen: Reopen) -> Blobs:
        """The store under test."""
        return reopen()

    def test_a_blob_is_named_by_its_sha_256(self, blobs: Blobs) -> None:
        """In lower-case hex; large and empty ones too."""
        for data in (b"payload", b"", bytes(range(256)) * 8_192):
            name = blobs.put(data)
            assert name == hashlib.sha256(data).hexdigest()
            assert blobs.get(name) == data

    def test_what_is_not_there_is_none(self, blobs: Blobs) -> None:
        """Nobody put it."""
        assert blobs.get(hashlib.sha256(b"absent").hexdigest()) is None

    def test_the_same_bytes_again_are_the_same_blob(self, blobs: Blobs) -> None:
        """Put as often as one likes."""
        assert blobs.put(b"payload") == blobs.put(b"payload")

    def test_what_was_put_is_there_when_it_is_opened_again(self, blobs: Blobs, reopen: Reopen) -> None:
        """Once ``put`` returned."""
        assert reopen().get(blobs.put(b"payload")) == b"payload"

    def test_many_may_put_the_same_at_once(self, reopen: Reopen) -> None:
        """All are told the same name."""

        def putting() -> Callable[[], str]:
            blobs = reopen()
            return lambda: blobs.put(b"payload")

        assert at_once(*(putting() for _ in range(4))) == [hashlib.sha256(b"payload").hexdigest()] * 4
