"""Any JSON becomes orders by a mapping alone; a wrong mapping is told with all that is wrong with it."""

import json
import mmap
import tracemalloc
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from intake.channels.mutations import EXAMPLES, mutated_json
from ordertrail.intake.channels.json import Mapped
from ordertrail.intake.delivery import Delivery, Source, Way
from ordertrail.intake.faults import Code, FaultyError
from ordertrail.intake.mapping import parse_mapping, place_of
from ordertrail.intake.message import Faulty, Foreign, Message
from ordertrail.kernel.errors import ConfigurationError, InputError
from ordertrail.kernel.money import Money
from ordertrail.orders.model import Order, OrderType
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus, PaymentStatus
from ordertrail.orders.totals import reconcile
from ordertrail.testing.conformance.channel import check_channel
from shared_data import shared

MAPPING = """
[document]
kind = "/event"
only = ["order"]
order = "/data/order"
delivery = "/event_id"

[order]
id = "/id"
number = "/name"
status = { at = "/state", words = { open = "received", shipped = "fulfilled" } }
type = { value = "call_off" }
currency = "/currency"
placed = "/placed"
version_time = "/changed"
version_number = "/version"
notes = ["/note", "/remark"]
tags = "/tags"
gift = { at = "/gift", words = { J = true, N = false } }
delivery_until = "/wanted"

[order.rounding]
scope = "total"

[order.totals]
lines = "/sums/goods"
shipping = "/sums/freight"
tax = { at = "/sums/tax_cents", minor = true }
grand_total = "/sums/all"

[order.buyer]
id = "/customer/id"
email = "/customer/mail"
street = ["/customer/street", "/customer/street2"]
country = { at = "/customer/country", words = { Deutschland = "DE" } }

[[order.references]]
system = "erp"
kind = "purchase_order"
id = "/po"

[order.lines]
at = "/lines"
id = "/pos"
sku = "/article/number"
name = "/article/text"
ordered = "/quantity"
unit = { at = "/unit", value = "C62", words = { Stk = "C62", kg = "KGM" } }
unit_price = "/price"
price_per = "/per"
amount = "/sum"
discount = "/off"
discount_reason = "/why"
tax = "/tax"
tax_rate = "/rate"

[order.shipping]
at = "/freight"
amount = "/price"
name = "/way"

[order.payments]
at = "/paid"
status = { at = "/state", words = { done = "paid" } }
amount = "/amount"

[order.fulfilments]
at = "/parcels"
id = "/number"
status = { value = "fulfilled" }
tracking_numbers = "/track"
shipped = "/sent"
"""

ORDER: dict[str, Any] = {
    "id": 1042, "name": "R-1042", "state": "SHIPPED", "currency": "eur", "placed": "2026-11-22T14:00:00+01:00",
    "changed": 1795352400, "version": 3, "note": "ring", "remark": "twice", "tags": ["a", "b"], "gift": "J",
    "wanted": "2026-12-01", "po": "P-7", "colour": "red",
    "sums": {"goods": "22.50", "freight": 5, "tax_cents": 523, "all": 32.73},
    "customer": {"id": "c-1", "mail": "a@example.org", "street": "Weg 1", "street2": "", "country": "Deutschland"},
    "lines": [
        {"pos": 1, "article": {"number": "N-1", "text": "Nails"}, "quantity": 1000, "unit": "Stk", "price": "2.5",
         "per": 100, "sum": 22.5, "off": -2.5, "why": "rebate", "tax": "4.28", "rate": 19, "bin": 7},
    ],
    "freight": [{"price": 5, "way": "truck"}, {"way": "only a word"}],
    "paid": {"state": "done", "amount": "32.73"},
    "parcels": [{"number": "p-1", "track": ["1Z", "2Z"], "sent": "2026-11-23T08:00:00Z"}],
}  # fmt: skip

PLAIN = '[order]\nid = "/id"\ncurrency = { value = "EUR" }\n[order.lines]\nat = "/lines"\nordered = "/n"\n'


def read(body: Any, mapping: str = MAPPING, **given: Any) -> tuple[Message, ...]:
    """What a body tells by a mapping; of anything but bytes, its JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    source = Source("json", "main", currency=given.pop("currency", None), options={"mapping": mapping})
    return check_channel(Mapped(), Delivery(source, raw, "2026-11-23T09:00:00.000000Z", Way.WEBHOOK, **given))


def order_of(changed: dict[str, Any]) -> Order:
    """The order that ours becomes with some fields changed."""
    (message,) = read({"event": "order", "event_id": "e", "data": {"order": {**ORDER, **changed}}})
    assert isinstance(message.content, Order), message.content
    return message.content


def faults_of(changed: dict[str, Any]) -> dict[str, Code]:
    """What is wrong with ours when some fields are changed: code by place."""
    (message,) = read({"event": "order", "data": {"order": {**ORDER, **changed}}})
    assert isinstance(message.content, Faulty), message.content
    return {fault.path: fault.code for fault in message.content.faults}


class TestOrder:
    """Every kind of field, read exactly."""

    def test_an_order_with_everything(self) -> None:
        """Ids, words, times, money in major and minor units, prices for so many, parts, references."""
        found = order_of({})
        assert (found.id, found.number, found.status) == ("json:main:1042", "R-1042", OrderStatus.FULFILLED)
        assert (found.currency, found.type, found.gift) == ("EUR", OrderType.CALL_OFF, True)
        assert found.placed == "2026-11-22T13:00:00.000000Z"
        assert found.source_version is not None
        assert (found.source_version.number, found.source_version.time) == (3, "2026-11-22T13:00:00.000000Z")
        assert [one.text for one in found.notes] == ["ring", "twice"]
        (line,) = found.lines
        assert (line.id, line.item.sku, line.quantities.ordered, line.unit) == ("1", "N-1", "1000", "C62")
        assert line.unit_price is not None
        assert (line.unit_price.amount, line.unit_price.per) == (Money(250, "EUR"), "100")
        assert (line.discounts[0].amount, line.discounts[0].reason) == (Money(250, "EUR"), "rebate")
        assert (line.taxes[0].amount, line.taxes[0].rate) == (Money(428, "EUR"), "19")
        assert found.buyer is not None
        assert found.buyer.address is not None
        assert (found.buyer.address.country, found.buyer.address.street) == ("DE", ("Weg 1",))
        assert [one.status for one in found.payments] == [PaymentStatus.PAID]
        assert found.fulfilments[0].status is FulfilmentStatus.FULFILLED
        assert found.fulfilments[0].tracking_numbers == ("1Z", "2Z")
        assert [(one.system, one.kind, one.id) for one in found.references] == [
            ("erp", "purchase_order", "P-7")
        ]

    def test_what_no_field_names_or_no_part_can_hold_is_kept(self) -> None:
        """Unmapped fields, and mapped ones whose part needs more than is there, are extensions by their places."""
        kept = {one.pointer: one.value for one in order_of({}).extensions}
        assert kept == {
            "/event_id": "e",
            "/data/order/colour": "red",
            "/data/order/lines/0/bin": 7,
            "/data/order/freight/1/way": "only a word",
        }

    def test_sums_are_held_to_account(self) -> None:
        """22.50 and 5.00 and a tax of 5.23 are 32.73; the lines' own tax is 0.95 less."""
        differences = {one.path: one.difference.amount for one in reconcile(order_of({})).differences}
        assert differences == {"totals.tax": 95}

    @pytest.mark.parametrize(
        ("changed", "expected"),
        [
            ({"id": None}, {"/data/order/id": Code.MISSING}),
            ({"id": "a\nb"}, {"/data/order/id": Code.MALFORMED}),
            ({"state": "melted"}, {"/data/order/state": Code.UNKNOWN_WORD}),
            ({"currency": "XXQ"}, {"/data/order/currency": Code.UNKNOWN_WORD}),
            ({"currency": None}, {"/data/order/currency": Code.MISSING}),
            ({"placed": "yesterday"}, {"/data/order/placed": Code.MALFORMED}),
            ({"sums": {"all": "1,5", "goods": []}}, {"/data/order/sums/all": Code.MALFORMED}),
            ({"lines": [{"quantity": -1}, {"quantity": "x"}]}, {
                "/data/order/lines/0/quantity": Code.MALFORMED, "/data/order/lines/1/quantity": Code.MALFORMED,
            }),
            ({"lines": [{"unit": "kg"}]}, {"/data/order/lines/0/quantity": Code.MISSING}),
            ({"lines": 7}, {"/data/order/lines": Code.MALFORMED}),
            ({"lines": [{"quantity": 1, "pos": 1}, {"quantity": 1, "pos": 1}]}, {"": Code.MALFORMED}),
        ],
    )  # fmt: skip
    def test_all_that_is_wrong_is_told_with_its_place(
        self, changed: dict[str, Any], expected: dict[str, Code]
    ) -> None:
        """The place in the source's document, and a code for programs."""
        found = faults_of(changed)
        assert found.items() >= expected.items()

    def test_the_sources_currency_is_for_documents_that_name_none(self) -> None:
        """Yen have no minor unit."""
        body = {"id": 1, "lines": [{"n": 1}]}
        mapping = (
            PLAIN.replace('currency = { value = "EUR" }\n', "") + '[order.totals]\ngrand_total = "/all"\n'
        )
        (message,) = read({**body, "all": 1200}, mapping, currency="JPY")
        assert isinstance(message.content, Order)
        assert message.content.totals.grand_total == Money(1200, "JPY")

    def test_a_negative_quantity_is_refused_or_takes_back(self) -> None:
        """By the mapping: minus three is a fault, or three that were ordered and cancelled."""
        body = {"id": 1, "lines": [{"n": -3}, {"n": 2}]}
        (refused,) = read(body, PLAIN)
        assert isinstance(refused.content, Faulty)
        (taken,) = read(body, PLAIN + 'negative = "cancelled"\n')
        assert isinstance(taken.content, Order)
        quantities = [(one.quantities.ordered, one.quantities.cancelled) for one in taken.content.lines]
        assert quantities == [("3", "3"), ("2", None)]

    def test_the_shipped_mapping_of_plain_orders(self) -> None:
        """The document in its own comment is an order in which nothing is left over, and which adds up."""
        text = (resources.files("ordertrail.intake") / "presets" / "plain_orders.toml").read_text()
        lines = [line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("#   ")]
        (message,) = read("".join(lines).encode(), "plain_orders")
        assert isinstance(message.content, Order)
        assert message.content.extensions == ()
        assert message.content.totals.grand_total == Money(2890, "EUR")
        assert reconcile(message.content).differences == ()
        assert message.content.buyer is not None
        assert message.content.buyer.email == "ann@example.org"


class TestShapes:
    """One document, many, lines, envelopes."""

    def test_a_list_is_an_order_each(self) -> None:
        """An element that is none is one faulty message among the others."""
        messages = read([{"id": 1}, 7, {"id": 2}], PLAIN)
        assert [one.pointer for one in messages] == ["/0", "/1", "/2"]
        assert [type(one.content) for one in messages] == [Order, Faulty, Order]

    @pytest.mark.parametrize(
        "given", [{}, {"name": "x.jsonl"}, {"headers": {"content-type": "application/x-ndjson; a=b"}}]
    )
    def test_lines_of_json_are_an_order_each(self, given: dict[str, Any]) -> None:
        """By their look, the file's name or the media type; a line that is no JSON is told with its number."""
        messages = read(b'{"id": 1}\n\n{"id": \n{"id": 2}\r\n', PLAIN, **given)
        assert [type(one.content) for one in messages] == [Order, Faulty, Order]
        faulty = messages[1].content
        assert isinstance(faulty, Faulty)
        assert (messages[1].pointer, faulty.faults[0].code) == ("/1", Code.UNREADABLE)

    def test_one_object_over_several_lines_is_one_order(self) -> None:
        """What is written with indents is no lines of JSON."""
        (message,) = read(json.dumps({"id": 1, "lines": []}, indent=1).encode() + b"\n", PLAIN)
        assert isinstance(message.content, Order)

    def test_orders_of_an_envelope(self) -> None:
        """A real file of purchase candidates: prices as numbers, nested objects, an order a line."""
        body = next(shared("samples/csv-orders").glob("*20_Camel*.json")).read_bytes()
        mapping = """
            [document]
            orders = "/jsonPurchaseCandidateCreateRequest/purchaseCandidates"
            [order]
            id = "/externalHeaderId"
            currency = "/price/currencyCode"
            [order.lines]
            id = "/externalLineId"
            ordered = "/qty/qty"
            unit = { at = "/qty/uomCode", words = { PCE = "C62" } }
            unit_price = "/price/value"
        """
        messages = read(body, mapping)
        assert all(isinstance(one.content, Order) for one in messages)
        first = messages[0].content
        assert isinstance(first, Order)
        assert (first.id, first.lines[0].quantities.ordered) == ("json:main:extHeader_1", "10")
        assert first.lines[0].unit_price is not None
        assert first.lines[0].unit_price.amount == Money(564, "EUR")

    def test_other_kinds_are_foreign(self) -> None:
        """A document of a kind that the mapping does not name tells of no order."""
        (message,) = read({"event": "cart", "data": {}})
        assert isinstance(message.content, Foreign)
        assert message.content.kind == "cart"

    def test_a_delivery_is_known_by_the_id_that_the_mapping_names(self) -> None:
        """Of what cannot be read there is none."""
        source = Source("json", "main", options={"mapping": MAPPING})
        for body, expected in (
            (b'{"event_id": "e-1"}', "e-1"),
            (b"[1]", None),
            (b"{", None),
            (b'{"event_id": []}', None),
        ):
            assert Mapped().delivery_id(Delivery(source, body, "", Way.WEBHOOK)) == expected
        assert Mapped().delivery_id(Delivery(Source("json", "main"), b"{}", "", Way.WEBHOOK)) is None

    def test_lines_are_read_in_flat_memory(self, tmp_path: Path) -> None:
        """Of a mapped file of 8 MiB, a line is in memory at a time."""
        path = tmp_path / "orders.jsonl"
        line = json.dumps({"id": "x", "lines": [{"n": 1}], "filler": "y" * 16_000}).encode() + b"\n"
        path.write_bytes(line * (8 * 1024 * 1024 // len(line)))
        source = Source("json", "main", options={"mapping": PLAIN})
        tracemalloc.start()
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as body:
            delivery = Delivery(source, body, "", Way.FILE)  # type: ignore[arg-type] # a map is bytes-like
            count = sum(1 for _ in Mapped().read(delivery))
        assert count == path.stat().st_size // len(line)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 4_000_000


class TestMapping:
    """A mapping is read strictly."""

    @pytest.mark.parametrize(
        ("text", "path"),
        [
            ("x", "no shipped mapping"),
            ("[order", "not TOML"),
            ("", "order"),
            ("[order]", "order.id"),
            ('[order]\nid = "a/b~"\nfoo = "/x"', "order.foo"),
            ('[order]\nid = "/a~2"', "order.id"),
            ('[order]\nid = { at = "/a", minor = true }', "order.id.minor"),
            ('[order]\nid = { words = { a = "b" } }', "order.id.words"),
            ("[order]\nid = { }", "order.id"),
            ('[order]\nid = { at = "/a", or = 1 }', "order.id.or"),
            ('[order]\nid = "/a"\nstatus = { at = "/b", words = { c = "melted" } }', "order.status.words.c"),
            ('[order]\nid = "/a"\nstatus = { value = "melted" }', "order.status.value"),
            ('[order]\nid = "/a"\ncurrency = { value = "XXQ" }', "order.currency.value"),
            ('[order]\nid = "/a"\ngift = { value = "yes" }', "order.gift.value"),
            ('[order]\nid = "/a"\nplaced = { value = "2026" }', "order.placed.value"),
            ('[order]\nid = "/a"\nplaced = ["/b", "/c"]', "order.placed"),
            ('[order]\nid = "/a"\nplaced = 7', "order.placed"),
            ('[order]\nid = "/a"\nlines = 7', "order.lines"),
            ('[order]\nid = "/a"\n[order.lines]\nat = "/l"', "order.lines.ordered"),
            ('[order]\nid = "/a"\n[order.lines]\nordered = "/n"\nnegative = "odd"', "order.lines.negative"),
            ('[order]\nid = "/a"\n[order.taxes]\nnegative = "cancelled"', "order.taxes.negative"),
            ('[order]\nid = "/a"\n[order.buyer]\nshoe = "/s"', "order.buyer.shoe"),
            ('[order]\nid = "/a"\n[[order.references]]\nkind = ""\nid = "/r"\nx = 1', "order.references.0.system"),
            ('[order]\nid = "/a"\nreferences = 7', "order.references"),
            ('[order]\nid = "/a"\n[order.rounding]\nincrement = 0\nmode = "up"\nx = 1', "order.rounding.increment"),
            ('[order]\nid = "/a"\n[order.totals]\ngrand_total = { value = "1" }', "order.totals.grand_total.value"),
        ],
    )  # fmt: skip
    def test_what_is_wrong_is_named(self, text: str, path: str) -> None:
        """With its path; and a source with such a mapping reads nothing."""
        with pytest.raises(InputError) as caught:
            parse_mapping(text)
        assert path in str(caught.value)
        with pytest.raises(ConfigurationError):
            read({"id": 1}, text)

    def test_all_of_it_is_named_at_once(self) -> None:
        """Not only the first."""
        with pytest.raises(InputError) as caught:
            parse_mapping('[order]\nfoo = "/x"\n[order.lines]\nbar = "/y"\n[order.totals]\nbaz = 1')
        assert {one.path for one in caught.value.problems} == {
            "order.id", "order.foo", "order.lines.ordered", "order.lines.bar", "order.totals.baz",
        }  # fmt: skip

    @pytest.mark.parametrize(
        "text",
        [
            '[document]\nfoo = "/x"',
            '[document]\nkind = "/x"',
            '[document]\nonly = 7\nkind = "/x"',
            "[table]",
            "document = 7",
        ],
    )
    def test_a_wrong_shape_of_documents_is_named(self, text: str) -> None:
        """The tables beside [order] are read as strictly."""
        with pytest.raises(ConfigurationError):
            read({"id": 1}, f"{text}\n{PLAIN}")

    def test_a_source_without_a_mapping_reads_nothing(self) -> None:
        """And says what to do."""
        with pytest.raises(ConfigurationError, match="mapping"):
            list(Mapped().read(Delivery(Source("json", "main"), b"{}", "", Way.FILE)))

    def test_a_place_is_a_pointer_or_a_name(self) -> None:
        """RFC 6901's escapes; a name with a slash in it needs none of them only as a pointer."""
        assert place_of("/a~1b/c~0d").name == "c~d"
        assert place_of("/a~1b/c~0d").steps == ("a/b",)
        assert (place_of("Order No").steps, place_of("Order No").name) == ((), "Order No")


@settings(max_examples=EXAMPLES, deadline=None)
@given(mutated_json([json.dumps({"event": "order", "data": {"order": ORDER}}).encode()]))
def test_whatever_comes_nothing_else_is_raised(body: bytes) -> None:
    """Changed documents are orders, foreign or faulty; the conformance suite holds of all of them."""
    with suppress(FaultyError):
        read(body)
