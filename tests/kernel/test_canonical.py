"""Canonical JSON: the published RFC 8785 vectors, and one answer from every encoder."""

import json
import struct

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.kernel.canonical import MAX_INTEGER, canonical, ecmascript_number
from ordertrail.kernel.errors import InputError
from ordertrail.record.encoding import encode
from shared_data import shared

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
# Names around the one place where UTF-8 order and UTF-16 order differ.
NAMES = TEXT | st.sampled_from(["\ue000", "\uffff", "\U00010000", "\U0010ffff", "a", "é"])
SUBSET = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("name", ["arrays", "french", "structures", "unicode", "values", "weird"])
def test_published_vectors(name: str) -> None:
    """The six vectors that were published with the RFC come out byte for byte."""
    given_text = shared(f"vectors/jcs/input__{name}.json").read_text()
    expected = shared(f"vectors/jcs/output__{name}.json").read_bytes()
    in_hex = bytes.fromhex(shared(f"vectors/jcs/outhex__{name}.txt").read_text())
    assert canonical(json.loads(given_text)) == expected == in_hex


@given(SUBSET)
def test_fast_encoder_is_the_reference(value: object) -> None:
    """What events are made of encodes to the same bytes by the fast path, the reference, and a stranger."""
    holder = {"value": value}
    assert encode(holder) == canonical(holder) == rfc8785.dumps(holder)  # type: ignore[arg-type]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_written_as_ecmascript_does(value: float) -> None:
    """Every double is written as an unrelated RFC 8785 implementation writes it, and reads back the same."""
    text = ecmascript_number(value)
    assert text.encode() == rfc8785.dumps(value)
    assert float(text) == value


@pytest.mark.parametrize(
    ("bits", "text"),
    [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("444b1ae4d6e2ef4f", "999999999999999900000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ],
)
def test_number_samples_of_the_rfc(bits: str, text: str) -> None:
    """Samples of RFC 8785 appendix B."""
    assert ecmascript_number(struct.unpack(">d", bytes.fromhex(bits))[0]) == text


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 2**53, -(2**53), {1: 2}, {"a": b""}, "\ud800", {"\udfff": 1}]
)
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    """Nothing that another reader would see otherwise is ever written."""
    with pytest.raises(InputError):
        canonical(value)
