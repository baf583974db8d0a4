"""An order has one spelling, and what is wrong with one is named."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.generated import an_order, json_values
from ordertrail.kernel.canonical import canonical
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.money import Money
from ordertrail.orders.decimals import canonical_decimal, format_decimal, parse_decimal
from ordertrail.orders.extensions import extension_value, source_value
from ordertrail.orders.format import format_order, order_of, parse_order
from ordertrail.orders.ids import order_id, parse_order_id
from ordertrail.orders.model import Order, SourceVersion
from ordertrail.orders.pricing import price_of
from ordertrail.orders.versions import Age, age_of
from ordertrail.orders.words import gs1_problem
from ordertrail.record.values import value_problems
from ordertrail.testing.conformance.orders import sample_order


@given(an_order())
def test_an_order_becomes_json_and_the_same_order_again(order: Order) -> None:
    """Canonical, to canonical JSON, to canonical; the bytes are those of RFC 8785."""
    data = format_order(order)
    assert parse_order(data) == order
    assert format_order(parse_order(data)) == data
    assert canonical(json.loads(data)) == data


@given(st.data())
def test_what_is_read_is_written_again_to_the_same_bytes(data: st.DataObject) -> None:
    """Whatever is done to the bytes of an order: they are refused, or are the one spelling of another order."""
    original = format_order(data.draw(an_order()))
    place = data.draw(st.integers(0, len(original) - 1))
    put = data.draw(st.binary(max_size=3) | st.sampled_from([b" ", b'"', b",", b"0", b"{}", b"[]", b"null"]))
    altered = original[:place] + put + original[place + data.draw(st.integers(0, 2)) :]
    try:
        order = parse_order(altered)
    except InputError:
        return
    assert format_order(order) == altered


def changed(**fields: Any) -> bytes:
    """The sample's JSON with some members changed; None takes one away."""
    plain = json.loads(format_order(sample_order()))
    for name, value in fields.items():
        inner = plain
        *path, last = name.split("__")
        for step in path:
            inner = inner[int(step)] if step.isdigit() else inner[step]
        if value is None:
            del inner[last]
        else:
            inner[last] = value
    return canonical(plain)


@pytest.mark.parametrize(
    ("data", "path", "said"),
    [
        (b"{", "", "is not JSON"),
        (b"\xff", "", "is not UTF-8"),
        (b"[" * 100_000, "", "nested"),
        (b"[]", "", "must be an object"),
        (changed(status=None), "status", "is missing"),
        (changed(status="lost"), "status", "Invalid enum value"),
        (changed(colour="red"), "colour", "is not a field here"),
        (changed(lines__0__color="red"), "lines.0.color", "is not a field here"),
        (changed(lines__0__amount__amount=1.5), "lines.0.amount", "int"),
        (changed(lines__0__amount__exponent=2), "lines.0.amount.exponent", "not part of the canonical form"),
        (changed(currency="EUX"), "currency", "ISO 4217"),
        (changed(currency="USD"), "lines.0.unit_price.amount.currency", "is EUR"),
        (changed(lines__0__id="2"), "lines.1.id", "must be unique"),
        (changed(lines__0__parent="9"), "lines.0.parent", "not another line"),
        (changed(lines__0__quantities__ordered="1.50"), "lines.0.quantities.ordered", "canonical form"),
        (changed(lines__0__quantities__ordered="-1"), "lines.0.quantities.ordered", "is negative"),
        (changed(lines__0__unit="pieces"), "lines.0.unit", "Recommendation 20"),
        (changed(lines__0__unit_price__per="0"), "lines.0.unit_price.per", "is 0"),
        (changed(lines__0__item__gtin="4006381333932"), "lines.0.item.gtin", "check digit"),
        (changed(lines__0__taxes__0__rate="19%"), "lines.0.taxes.0.rate", "canonical form"),
        (
            changed(placed="2026-11-22T15:00:00+01:00"),
            "placed",
            "must be written 2026-11-22T14:00:00.000000Z",
        ),
        (changed(placed="yesterday"), "placed", "RFC 3339"),
        (changed(ship_to__address__country="Ukraine"), "ship_to.address.country", "alpha-2"),
        (changed(ship_to__address__street=["a\0"]), "ship_to.address.street.0", "U+0000"),
        (changed(requested_delivery={}), "requested_delivery", "neither a start nor an end"),
        (changed(discounts__0__amount__amount=-1), "discounts.0.amount.amount", "is negative"),
        (changed(fulfilments__0__lines__0__line="9"), "fulfilments.0.lines.0.line", "not a line"),
        (changed(fulfilments__0__sscc=["1"]), "fulfilments.0.sscc.0", "SSCC"),
        (
            changed(payments__0__transactions__1__parent="t9"),
            "payments.0.transactions.1.parent",
            "not another",
        ),
        (changed(extensions__0__pointer="cart"), "extensions.0.pointer", "JSON pointer"),
        (changed(extensions__0__value={"json": "{"}), "extensions.0.value", "not JSON text"),
        (changed(extensions__0__value={"json": "1"}), "extensions.0.value", "extension_value"),
        (changed(extensions__0__value={"currency": "EUR"}), "extensions.0.value.amount", "is missing"),
        (changed(tags=[]), "tags", "not part of the canonical form"),
        (changed(gift=False), "gift", "not part of the canonical form"),
        (changed(schema=None), "schema", "is missing"),
        (changed(schema=2), "schema", "Invalid enum value"),
        (changed().replace(b'"id":', b'"id": ', 1), "", "canonical form from byte"),
        (changed().replace(b'{"account"', b'{"account":"x","account"', 1), "", "given twice"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(data: bytes, path: str, said: str) -> None:
    """Path and reason; and what it means and what to do."""
    with pytest.raises(InputError) as caught:
        parse_order(data)
    assert [said in one.message for one in caught.value.problems if one.path == path].count(True) >= 1
    assert caught.value.meaning
    assert caught.value.remedy


def test_all_that_is_wrong_is_named_at_once() -> None:
    """Not only the first."""
    with pytest.raises(InputError) as caught:
        order_of(changed(currency=None, placed=1, lines__0__unit=None, lines__1__color="red"))
    assert [one.path for one in caught.value.problems] == [
        "currency",
        "lines.0.unit",
        "lines.1.color",
        "placed",
    ]


def test_another_spelling_is_the_same_order() -> None:
    """For whoever reads what a person wrote."""
    order = sample_order()
    assert order_of(json.dumps(json.loads(format_order(order)), indent=2).encode()) == order


@given(json_values)
def test_an_extension_keeps_what_the_source_had_digit_by_digit(value: Any) -> None:
    """Fractions, huge integers, lone surrogates, what looks like money: all come back, and an event can hold them."""
    kept = extension_value(value)
    assert not list(value_problems(kept, ""))
    back = source_value(kept)
    assert back == value
    assert msgspec.json.encode(extension_value(back)) == msgspec.json.encode(kept)


def test_a_float_is_refused_where_it_is_already_too_late() -> None:
    """It has lost its digits."""
    with pytest.raises(ValueError, match="parse_float"):
        extension_value({"a": [1.5]})
    with pytest.raises(ValueError, match="not a JSON value"):
        extension_value({"a": {1}})


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=6))
def test_a_decimal_has_one_spelling(number: Decimal) -> None:
    """And it is the same number."""
    text = format_decimal(number)
    assert parse_decimal(text) == number
    assert canonical_decimal(f"{number:e}") == text


@pytest.mark.parametrize(
    "text", ["1.0", "01", "+1", ".5", "1.", "1e3", "", "-0", "NaN", "1,5", "٣", "1" * 41, "-0.0"]
)
def test_other_spellings_of_decimals_are_refused(text: str) -> None:
    """Two spellings of one quantity would look like a change."""
    with pytest.raises(ValueError, match="canonical form"):
        parse_decimal(text)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "x", "1e999999999", "1e-999999999", "9" * 200])
def test_what_is_no_quantity_is_refused_and_soon(text: str) -> None:
    """No endless zeros are written."""
    with pytest.raises(ValueError, match=r"number|digits|quantity"):
        canonical_decimal(text)


@given(st.decimals(-(10**6), 10**6, places=5), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_a_price_of_any_digits_is_kept_exactly(price: Decimal, currency: str) -> None:
    """As a price of more pieces."""
    made = price_of(str(price), currency)
    exponent = {"EUR": 2, "JPY": 0, "KWD": 3}[currency]
    assert Decimal(made.amount.amount).scaleb(-exponent) / Decimal(made.per) == price


def test_prices_that_are_none_are_refused() -> None:
    """With a sentence."""
    for text, per in (("x", "1"), ("NaN", "1"), ("1", "0"), ("1", "-1"), ("9" * 39, "1"), ("1" * 50, "1")):
        with pytest.raises(ValueError, match="price"):
            price_of(text, "EUR", per)
    assert price_of("0.00", "EUR").amount == Money(0, "EUR")


@given(st.text(min_size=1), st.text(min_size=1), st.text(min_size=1), st.text(min_size=1))
def test_two_orders_never_share_an_id(one: str, two: str, three: str, four: str) -> None:
    """Whatever their parts look like; and the parts are told from the id."""
    for parts in ((one, two, three), (one, f"{two}:{three}", four), ("%3A", ":", "%")):
        try:
            made = order_id(*parts)
        except ValueError:
            continue
        assert parse_order_id(made) == parts


def test_an_id_that_is_none_is_refused() -> None:
    """Empty parts, other texts."""
    for text in ("a:b", "a::c", "a:b:c:d", "a:b:%2f%3a:"):
        with pytest.raises(ValueError, match="order's id"):
            parse_order_id(text)
    with pytest.raises(ValueError, match="account is empty"):
        order_id("a", "", "c")


@pytest.mark.parametrize(
    ("arriving", "known", "age"),
    [
        (SourceVersion(number=2), SourceVersion(number=1), Age.NEWER),
        (SourceVersion(number=1, time="2026-11-23"), SourceVersion(number=2, time="2026-11-22"), Age.OLDER),
        (SourceVersion(time="2026-11-22"), SourceVersion(number=1, time="2026-11-22"), Age.SAME),
        (SourceVersion(number=1), SourceVersion(time="2026-11-22"), Age.UNKNOWN),
        (None, SourceVersion(number=1), Age.UNKNOWN),
    ],
)
def test_the_sources_own_version_tells_late_from_new(
    arriving: SourceVersion | None, known: SourceVersion | None, age: Age
) -> None:
    """Its counter before its clock; and where neither is told by both, nobody guesses."""
    assert age_of(arriving, known) is age


@pytest.mark.parametrize(
    ("text", "lengths"),
    [
        ("4006381333931", (13,)),
        ("614141000012", (12,)),
        ("96385074", (8,)),
        ("10614141000019", (14,)),
        ("106141412345678908", (18,)),
    ],
)
def test_gs1_check_digits(text: str, lengths: tuple[int, ...]) -> None:
    """The keys of GS1's own examples are right, and each with another last digit is wrong."""
    assert gs1_problem(text, "key", *lengths) is None
    for digit in "0123456789":
        assert (gs1_problem(text[:-1] + digit, "key", *lengths) is None) == (digit == text[-1])
