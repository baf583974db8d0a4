"""What :class:`ordertrail.ledger.ports.Timestamper` promises."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from ordertrail.kernel.errors import EvidenceError, UnavailableError
from ordertrail.ledger.ports import Timestamper
from ordertrail.testing.conformance.together import at_once

NOTE = (
    b"orders.example.com/trail\n8\nR0HRkO4YS2WXqlS4QCpdBNl0SUGRHIIVBoORVTQhTbE=\n\n"
    b"\xe2\x80\x94 orders.example.com/trail bWbnPGFiY2Q=\n"
)

#: How far an authority's clock may be from this machine's while its suite runs, and its times cut down to seconds.
_TOLERANCE = timedelta(seconds=5)


class TimestamperSuite:
    """Give ``stamper``; and ``another``, ``unreachable`` and ``liars`` if they can be had."""

    @pytest.fixture
    def stamper(self) -> Timestamper:
        """The authority under test."""
        raise NotImplementedError("a timestamper's suite needs a fixture 'stamper'")

    @pytest.fixture
    def another(self) -> Timestamper:
        """Another authority, with keys of its own."""
        pytest.skip("there is no second authority")

    @pytest.fixture
    def unreachable(self, stamper: Timestamper) -> Timestamper:
        """The authority under test, from now on out of reach."""
        pytest.skip(f"{stamper.name} gives no way to put it out of reach")

    @pytest.fixture
    def liars(self) -> Sequence[Timestamper]:
        """Authorities that answer, each with a stamp that is bad in a way of its own."""
        pytest.skip("this authority cannot be made to lie")

    def test_its_name_can_be_part_of_a_files(self, stamper: Timestamper) -> None:
        """Its stamps are kept under it."""
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", stamper.name)

    def test_a_stamp_tells_when(self, stamper: Timestamper) -> None:
        """Aware, UTC, about now."""
        before = datetime.now(UTC)
        time = stamper.check(stamper.stamp(NOTE), NOTE)
        assert time.tzinfo is UTC
        assert before - _TOLERANCE <= time <= datetime.now(UTC) + _TOLERANCE

    def test_a_stamp_is_checked_as_often_as_one_likes(self, stamper: Timestamper) -> None:
        """With the same answer each time; two stamps over the same bytes are both good."""
        first, second = stamper.stamp(NOTE), stamper.stamp(NOTE)
        assert stamper.check(first, NOTE) == stamper.check(first, NOTE) <= stamper.check(second, NOTE)

    @pytest.mark.parametrize("data", [b"\x00", b"x" * 100_000, bytes(range(256))])
    def test_any_bytes_can_be_stamped(self, stamper: Timestamper, data: bytes) -> None:
        """Short, long, not text."""
        assert stamper.check(stamper.stamp(data), data)

    def test_a_stamp_is_over_its_bytes_alone(self, stamper: Timestamper) -> None:
        """One more, one less, one changed, none: EvidenceError."""
        stamp = stamper.stamp(NOTE)
        for other in (NOTE + b"\n", NOTE[:-1], NOTE.replace(b"8", b"9"), b""):
            with pytest.raises(EvidenceError):
                stamper.check(stamp, other)

    def test_what_is_no_stamp_is_refused(self, stamper: Timestamper) -> None:
        """Nothing, a part, something behind it, something else: EvidenceError that says what it means."""
        stamp = stamper.stamp(NOTE)
        parts = [stamp[:length] for length in range(0, len(stamp), 7)]
        for other in (*parts, stamp + b"\x00", stamp + stamp, NOTE, b"\x30\x00", bytes(200)):
            with pytest.raises(EvidenceError) as caught:
                stamper.check(other, NOTE)
            assert caught.value.meaning
            assert caught.value.remedy

    def test_no_changed_byte_changes_the_time(self, stamper: Timestamper) -> None:
        """A stamp with one byte changed is refused, or says what it said: not all of it need be signed."""
        stamp = stamper.stamp(NOTE)
        time, refused = stamper.check(stamp, NOTE), 0
        for index in range(len(stamp)):
            changed = bytearray(stamp)
            changed[index] ^= 0x01
            try:
                assert stamper.check(bytes(changed), NOTE) == time, index
            except EvidenceError:
                refused += 1
        assert refused > len(stamp) * 3 // 4

    def test_anothers_stamp_is_refused(self, stamper: Timestamper, another: Timestamper) -> None:
        """By each of the two."""
        for ours, theirs in ((stamper, another), (another, stamper)):
            stamp = theirs.stamp(NOTE)
            theirs.check(stamp, NOTE)
            with pytest.raises(EvidenceError):
                ours.check(stamp, NOTE)

    def test_an_authority_out_of_reach_is_unavailable(self, unreachable: Timestamper) -> None:
        """And the error says that nothing is lost."""
        with pytest.raises(UnavailableError) as caught:
            unreachable.stamp(NOTE)
        assert "nothing" in caught.value.meaning.lower()
        assert caught.value.remedy

    def test_checking_needs_no_authority(self, stamper: Timestamper, request: pytest.FixtureRequest) -> None:
        """A kept stamp is as good when the authority is gone."""
        stamp = stamper.stamp(NOTE)
        unreachable: Timestamper = request.getfixturevalue("unreachable")
        assert unreachable.check(stamp, NOTE)

    def test_a_lie_is_told(self, liars: Sequence[Timestamper]) -> None:
        """EvidenceError that names the authority, what it means for the evidence, and what to do."""
        for liar in liars:
            with pytest.raises(EvidenceError) as caught:
                liar.stamp(NOTE)
            assert liar.name in caught.value.message
            assert "nothing is lost" in caught.value.meaning
            assert caught.value.remedy

    def test_many_can_ask_at_once(self, stamper: Timestamper) -> None:
        """Each gets a stamp over its own bytes."""
        texts = [b"%d\n" % number for number in range(4)]
        stamps = at_once(*(partial(stamper.stamp, text) for text in texts))
        for text, stamp in zip(texts, stamps, strict=True):
            assert isinstance(stamp, bytes)
            assert stamper.check(stamp, text)
