from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ordertrail.ledger.tiles import MAX_ENTRY_SIZE, TILE_WIDTH, is_bundle, parse_bundle

same_machine = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
entries = st.lists(st.binary(max_size=40), min_size=1, max_size=20)


def written(some: list[bytes]) -> bytes:
    """C2SP tlog-tiles, "Log entries", to the letter."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in some)


@same_machine
@given(some=entries)
def test_a_bundle_is_written_and_known_again(native: ModuleType, some: list[bytes]) -> None:
    """Bundles are what the specification says, and read back to the same entries."""
    bundle = native.format_bundle(some)
    assert bundle == written(some)
    assert parse_bundle(bundle, len(some)) == some
    assert native.is_bundle(bundle, some)


@same_machine
@given(some=entries, data=st.data())
def test_any_other_bytes_are_no_bundle(native: ModuleType, some: list[bytes], data: st.DataObject) -> None:
    """One bit, a byte more or less, a missing entry, one too many: all show."""
    bundle = bytearray(native.format_bundle(some))
    at = data.draw(st.integers(0, len(bundle) - 1))
    flipped = bundle.copy()
    flipped[at] ^= 1 << data.draw(st.integers(0, 7))
    for other in (flipped, bundle[:at], bundle + b"\x00", bundle[1:]):
        assert not native.is_bundle(bytes(other), some)
    assert not native.is_bundle(bytes(bundle), [*some, b""])
    assert not native.is_bundle(bytes(bundle), some[:-1])


def test_the_longest_entry(native: ModuleType) -> None:
    """65,535 bytes fit; one more does not, and no bytes are a bundle of it."""
    longest = [b"x" * MAX_ENTRY_SIZE] * 3
    assert native.format_bundle(longest) == written(longest)
    assert native.is_bundle(written(longest), longest)
    too_long = [b"", b"x" * (MAX_ENTRY_SIZE + 1)]
    with pytest.raises(ValueError, match="65535"):
        native.format_bundle(too_long)
    assert not native.is_bundle(b"\x00\x00\x00\x00" + too_long[1], too_long)


@pytest.mark.parametrize("arguments", [(), (b"",), ("", [b""]), (bytearray(2), [b""]), (b"", [1]), (b"", 1)])
def test_other_types_are_refused(native: ModuleType, arguments: tuple[object, ...]) -> None:
    """Nothing but bytes is compared."""
    with pytest.raises(TypeError):
        native.is_bundle(*arguments)


@pytest.mark.parametrize("count", [0, TILE_WIDTH + 1])
def test_no_bundle_has_so_many_entries(count: int) -> None:
    """A bundle has 1 to 256 entries; any other number is none, whoever compares."""
    assert not is_bundle(written([b"x"] * count), [b"x"] * count)
    assert is_bundle(written([b"x"]), [b"x"])
