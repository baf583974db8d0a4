"""cXML orders and what suppliers answer; no secret of an envelope gets anywhere."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings

from intake.channels.mutations import EXAMPLES, mutated_xml
from ordertrail.intake.amendment import Amendment, amend
from ordertrail.intake.channels.cxml import Cxml, shared_secret
from ordertrail.intake.delivery import Delivery, Source, Way
from ordertrail.intake.faults import Code, FaultyError
from ordertrail.intake.message import Content, Faulty, Foreign
from ordertrail.kernel.money import Money
from ordertrail.orders.format import format_order
from ordertrail.orders.model import Order, OrderType
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus
from ordertrail.orders.totals import reconcile
from ordertrail.testing.conformance.channel import check_channel
from shared_data import shared

SAMPLES = sorted(shared("samples/cxml").glob("*.xml"))

TOLD = {
    "focx__OrderRequest": (Order, "cxml:main:DO1234"),
    "focx__PunchoutOrderMessage": (Foreign, "PunchOutOrderMessage"),
    "focx__PunchoutOrderMessageAdvancedPricing": (Foreign, "PunchOutOrderMessage"),
    "focx__quote_request": (Foreign, "QuoteMessage"),
    "focx__tests__CXmlTest__Handling__fixtures__order_request": (Order, "cxml:main:acme-1-1"),
    "melon__envelope2": (Foreign, "CopyRequest"),
    "melon__envelope3": (Amendment, "cxml:main:400-2591453-0"),
    "melon__response_status_400": (Foreign, "Response"),
}
"""What each sample tells, and of what."""

ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE cXML SYSTEM "http://xml.cxml.org/schemas/cXML/1.2.050/Fulfill.dtd">
<cXML payloadID="p1@example" timestamp="2026-03-01T10:00:00+01:00"><Header>
<From><Credential domain="DUNS"><Identity>111</Identity></Credential></From>
<To><Credential domain="NetworkId"><Identity>AN01</Identity></Credential></To>
<Sender><Credential domain="DUNS"><Identity>111</Identity><SharedSecret>open sesame</SharedSecret></Credential>
</Sender></Header><Request>%s</Request></cXML>"""


def contents(inner: str | bytes) -> list[Content]:
    """What a document tells; of a text, the envelope is put around it."""
    body = inner if isinstance(inner, bytes) else (ENVELOPE % inner).encode()
    delivery = Delivery(Source("cxml", "main"), body, "2026-11-23T09:00:00.000000Z", Way.WEBHOOK)
    return [one.content for one in check_channel(Cxml(), delivery)]


def order_of(inner: str | bytes) -> Order:
    """The one order that a document tells."""
    (found,) = contents(inner)
    assert isinstance(found, Order)
    return found


def amendment_of(inner: str) -> Amendment:
    """The one amendment that a document tells."""
    (found,) = contents(inner)
    assert isinstance(found, Amendment)
    return found


def money(amount: str, currency: str = "EUR") -> str:
    """A Money element."""
    return f'<Money currency="{currency}">{amount}</Money>'


UNIT = "<UnitOfMeasure>EA</UnitOfMeasure>"

ITEM = (
    '<ItemOut quantity="10" lineNumber="1"><ItemID><SupplierPartID>S-1</SupplierPartID></ItemID><ItemDetail>'
    f"<UnitPrice>{money('1.005')}</UnitPrice><Description>Nails<ShortName>N</ShortName></Description>"
    "<UnitOfMeasure>EA</UnitOfMeasure></ItemDetail></ItemOut>"
)


def request(attributes: str, header: str = "", items: str = ITEM) -> str:
    """An OrderRequest."""
    head = f'<OrderRequestHeader orderID="O-1" orderDate="2026-03-01T09:00:00+01:00" {attributes}>'
    total = f"<Total>{money('10.05')}</Total>"
    return f"<OrderRequest>{head}{total}{header}</OrderRequestHeader>{items}</OrderRequest>"


class TestSamples:
    """Each sample tells what it is."""

    @pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
    def test_each_tells_what_it_is(self, path: Path) -> None:
        """All go through the conformance suite; none tells its secret."""
        kind, name = TOLD[path.stem]
        (found,) = contents(path.read_bytes())
        assert isinstance(found, kind)
        match found:
            case Order(id=told) | Amendment(order=told) | Foreign(kind=told):
                assert told == name
        for secret in ("coyote", "Secret!123", "abracadabra", "welcome"):
            assert secret not in repr(found)

    def test_a_real_order(self) -> None:
        """Two lines that come to their total; parties with what their addresses say."""
        found = order_of((shared("samples/cxml") / "focx__OrderRequest.xml").read_bytes())
        assert [(one.id, one.quantities.ordered, one.item.sku) for one in found.lines] == [
            ("1", "10", "1233244"),
            ("2", "20", "1233245"),
        ]
        assert found.totals.grand_total == Money(8500, "EUR")
        assert reconcile(found).balanced
        assert found.test
        assert found.ship_to is not None
        assert (found.ship_to.organisation, found.ship_to.name) == ("Acme", "Joe Smith")
        assert found.ship_to.phone == "+1 800 5551212"
        assert found.ship_to.address is not None
        assert found.ship_to.address.street == ("Mailstop M-543", "123 Anystreet")
        assert found.lines[1].notes == ("Test comment",)

    def test_a_real_confirmation(self) -> None:
        """Three lines, each accepted as ordered, at a price."""
        (path,) = (one for one in SAMPLES if one.stem == "melon__envelope3")
        (found,) = contents(path.read_bytes())
        assert isinstance(found, Amendment)
        assert [(one.line, one.accepted) for one in found.changed_lines] == [
            ("1", "20"),
            ("2", "12"),
            ("3", "2"),
        ]
        assert found.changed_lines[0].unit_price is not None
        assert found.changed_lines[0].unit_price.amount == Money(444, "USD")
        assert [(one.kind, one.id) for one in found.references] == [("invoice", "623612976001")]


class TestSecrets:
    """What proves who sends, and what pays, stands nowhere."""

    def test_secrets_and_card_numbers_are_taken_out(self) -> None:
        """Neither in the order, nor in an extension, nor in what a test can see as read, nor in a fault."""
        card = (
            '<Payment><PCard number="4111111111111111" expiration="2029-01-01" name="Ann Holder"/></Payment>'
        )
        body = (ENVELOPE % request("", card)).encode()
        delivery = Delivery(Source("cxml", "main"), body, "", Way.WEBHOOK)
        (message,) = Cxml().read(delivery)
        assert isinstance(message.content, Order)
        assert message.read is not None
        told = format_order(message.content).decode() + repr(message.read.tree)
        for secret in ("open sesame", "4111111111111111", "2029-01-01"):
            assert secret not in told
        assert "Ann Holder" in told
        assert [one.method for one in message.content.payments] == ["purchasing card"]
        (broken,) = Cxml().read(
            Delivery(delivery.source, body.replace(b'quantity="10"', b""), "", Way.WEBHOOK)
        )
        assert isinstance(broken.content, Faulty)
        assert "open sesame" not in repr(broken.content)

    def test_whoever_authenticates_gets_the_senders_secret(self) -> None:
        """From the bytes; of what is no cXML there is none."""
        source = Source("cxml", "main")
        assert shared_secret(Delivery(source, (ENVELOPE % "").encode(), "", Way.WEBHOOK)) == "open sesame"
        for body in (b"", b"<a/>", b"<cXML><Header>x</Header></cXML>"):
            assert shared_secret(Delivery(source, body, "", Way.WEBHOOK)) is None

    def test_a_document_is_known_by_its_payload_id(self) -> None:
        """A second try repeats the payloadID; what cannot be read has none."""
        source = Source("cxml", "main")
        assert Cxml().delivery_id(Delivery(source, (ENVELOPE % "").encode(), "", Way.WEBHOOK)) == "p1@example"
        assert Cxml().delivery_id(Delivery(source, b"<payloadID", "", Way.WEBHOOK)) is None


class TestOrders:
    """Orders, their updates and deletions."""

    def test_shipping_and_tax_are_beside_the_total(self) -> None:
        """Total is without either; the grand total is the sum; a price finer than a cent is exact."""
        header = (
            f"<Shipping>{money('5.00')}<Description>Truck</Description></Shipping><Tax>{money('2.86')}"
            f'<TaxDetail category="vat" percentageRate="19"><TaxableAmount>{money("15.05")}</TaxableAmount>'
            f"<TaxAmount>{money('2.86')}</TaxAmount></TaxDetail></Tax>"
        )
        found = order_of(request('orderType="release" requisitionID="R-9"', header))
        assert found.totals.grand_total == Money(1791, "EUR")
        assert reconcile(found).balanced
        assert (found.type, found.shipping[0].name, found.taxes[0].rate) == (
            OrderType.CALL_OFF,
            "Truck",
            "19",
        )
        assert found.lines[0].item.name == "Nails"
        assert ("buyer", "requisition", "R-9") in {(one.system, one.kind, one.id) for one in found.references}

    def test_a_price_basis_says_what_the_price_is_for(self) -> None:
        """A price for two boxes of two pieces is a price for four pieces; a basis that is no decimal leaves none."""
        unit = "<UnitOfMeasure>BX</UnitOfMeasure>"
        basis = f'<PriceBasisQuantity quantity="2" conversionFactor="{{}}">{unit}</PriceBasisQuantity>'
        for factor, per in (("0.5", "4"), ("3", None), ("0", None)):
            item = ITEM.replace("</ItemDetail>", basis.format(factor) + "</ItemDetail>")
            price = order_of(request("", items=item)).lines[0].unit_price
            # 1.005 is a price for a thousand pieces in tenths of cents: ten times the basis in whole cents.
            assert (None if price is None else price.per) == (None if per is None else f"{per}0")

    def test_an_update_states_the_whole_order_again(self) -> None:
        """The same id, a later version; orderVersion counts where it is there."""
        first = order_of(request('type="new" orderVersion="1"'))
        second = order_of(request('type="update" orderVersion="2"'))
        assert first.id == second.id
        assert first.source_version is not None
        assert second.source_version is not None
        assert (first.source_version.number, second.source_version.number) == (1, 2)
        assert (first.updated, second.updated) == (None, "2026-03-01T09:00:00.000000Z")

    def test_a_deletion_cancels(self) -> None:
        """OrderRequestHeader type delete."""
        found = amendment_of(request('type="delete"'))
        assert (found.order, found.status) == ("cxml:main:O-1", OrderStatus.CANCELLED)

    def test_other_currencies_and_unknown_types_are_faults(self) -> None:
        """Each at its place, all of them."""
        (found,) = contents(request('type="frob"', items=ITEM.replace("EUR", "USD")))
        assert isinstance(found, Faulty)
        assert {fault.code for fault in found.faults} == {Code.CONTRADICTION, Code.UNKNOWN_WORD}
        assert found.order == "cxml:main:O-1"


class TestAnswers:
    """Confirmations and ship notices."""

    def test_lines_are_accepted_in_part(self) -> None:
        """What is rejected or backordered is not promised; what is unknown says nothing."""
        statuses = "".join(
            f'<ConfirmationStatus type="{kind}" quantity="{quantity}">{UNIT}</ConfirmationStatus>'
            for kind, quantity in (("accept", 4), ("detail", 3), ("backordered", 2), ("reject", 1))
        )
        item = f'<ConfirmationItem lineNumber="1" quantity="10">{UNIT}{statuses}</ConfirmationItem>'
        change = amendment_of(
            '<ConfirmationRequest><ConfirmationHeader type="except" noticeDate="2026-03-02T09:00:00Z" confirmID="C-1"/>'
            f'<OrderReference orderID="O-1"/>{item}</ConfirmationRequest>'
        )
        assert change.status is OrderStatus.ACCEPTED
        changed = amend(order_of(request("")), change)
        assert changed.lines[0].quantities.accepted == "7"

    def test_a_ship_notice_is_a_parcel_for_each_order(self) -> None:
        """Carrier by its name rather than its code, tracking numbers, lines."""
        portions = "".join(
            f'<ShipNoticePortion><OrderReference orderID="O-{number}"/>'
            f'<ShipNoticeItem quantity="{number}" lineNumber="1">{UNIT}</ShipNoticeItem></ShipNoticePortion>'
            for number in (1, 2)
        )
        notice = (
            '<ShipNoticeRequest><ShipNoticeHeader shipmentID="S-1" noticeDate="2026-03-02T09:00:00Z" '
            'shipmentDate="2026-03-02T08:00:00Z" operation="{}"/><ShipControl><CarrierIdentifier domain="SCAC">UPSN'
            '</CarrierIdentifier><CarrierIdentifier domain="companyName">UPS</CarrierIdentifier>'
            f"<ShipmentIdentifier>1Z9</ShipmentIdentifier></ShipControl>{portions}</ShipNoticeRequest>"
        )
        found = contents(notice.format("new"))
        assert [one.order for one in found if isinstance(one, Amendment)] == [
            "cxml:main:O-1",
            "cxml:main:O-2",
        ]
        first = found[0]
        assert isinstance(first, Amendment)
        (parcel,) = first.fulfilments
        assert (parcel.carrier, parcel.tracking_numbers, parcel.lines[0].quantity) == ("UPS", ("1Z9",), "1")
        taken_back = contents(notice.format("delete"))[0]
        assert isinstance(taken_back, Amendment)
        assert taken_back.fulfilments[0].status is FulfilmentStatus.CANCELLED


def test_what_is_no_cxml_is_refused() -> None:
    """Another root, or no XML."""
    for body in (b"<order/>", b"{}", b""):
        with pytest.raises(FaultyError):
            list(Cxml().read(Delivery(Source("cxml", "main"), body, "", Way.FILE)))


@settings(max_examples=EXAMPLES, deadline=None)
@given(mutated_xml([path.read_bytes() for path in SAMPLES] + [(ENVELOPE % request("")).encode()]))
def test_whatever_comes_nothing_else_is_raised(body: bytes) -> None:
    """Changed samples are orders, amendments, foreign or faulty; the conformance suite holds of all of them."""
    with suppress(FaultyError):
        contents(body)
