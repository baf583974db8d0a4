"""UBL and Peppol documents become orders and amendments; the samples are OASIS's, CEN's and OpenPeppol's own."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings

from intake.channels.mutations import EXAMPLES, mutated_xml
from ordertrail.intake.amendment import Amendment, amend
from ordertrail.intake.channels.ubl import Ubl
from ordertrail.intake.delivery import Delivery, Source, Way
from ordertrail.intake.faults import Code, FaultyError
from ordertrail.intake.message import Faulty, Foreign, Message
from ordertrail.kernel.money import Money
from ordertrail.orders.model import Order
from ordertrail.orders.party import Party
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus
from ordertrail.orders.totals import reconcile
from ordertrail.testing.conformance.channel import check_channel
from shared_data import shared

OASIS, PEPPOL = shared("samples/ubl-oasis"), shared("samples/ubl-peppol")
SAMPLES = sorted((*OASIS.glob("*.xml"), *PEPPOL.glob("*.xml")))

TOLD = {
    "CENBII-AcceptOrder-minimal": "amendment AEG012345 accepted",
    "CENBII-Order-maximal": "faulty contradiction",
    "CENBII-RejectOrder-maximal": "amendment AEG012345 rejected",
    "CENBII-RejectOrder-minimal": "amendment AEG012345 rejected",
    "UBL-Order-2.0-Example-International": "order AEG012345 received",
    "UBL-Order-2.0-Example": "order AEG012345 received",
    "UBL-Order-2.1-Example": "order 34 received",
    "oca__UBL-Order-2.1-Example": "order 34 received",
    "UBL-OrderCancellation-2.1-Example": "amendment 34 cancelled",
    "UBL-OrderResponseSimple-2.1-Example": "amendment 34 accepted",
    "UBL-ReceiptAdvice-2.0-Example": "foreign ReceiptAdvice",
    "oca__UBL-RequestForQuotation-2.0-Example": "foreign RequestForQuotation",
    **dict.fromkeys(
        ("DespatchAdvice-BIS3_UseCase1", "DespatchAdvice-BIS3_UseCase3", "DespatchAdvice-BIS3_UseCase4"),
        "amendment 4321 None",
    ),
    "DespatchAdvice-BIS3_UseCase5": "amendment 4321 None",
    "DespatchAdvice_Example": "amendment AEG012345 None",
    **dict.fromkeys(
        (f"OrderCancellation_sc{number}" for number in (1, 3, 4, 5)), "amendment Order-1 cancelled"
    ),
    "OrderChange_sc2": "amendment Order-1 None",
    "OrderChange_sc3": "amendment Order-1 None",
    "OrderResponse_sc4": "amendment Order-1 accepted",
    "OrderResponse_sc5": "amendment Order-1 rejected",
    "Order_sc1": "order Order-1 received",
    "UC2_Order_response": "amendment 1 being_changed",
    "UC3_Order": "order 5 received",
    "UC5_Order_response": "amendment 5 accepted",
}
"""What each sample tells; those not named are invoices and answers to them."""

NAMES = (
    'xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2" '
    'xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"'
)


def delivery(body: bytes, name: str = "") -> Delivery:
    """A file that a trading partner dropped."""
    return Delivery(Source("ubl", "main"), body, "2026-11-23T09:00:00.000000Z", Way.FILE, name=name)


def read(path: Path) -> Message:
    """The one message of a sample."""
    (message,) = check_channel(Ubl(), delivery(path.read_bytes(), path.name))
    return message


def order(name: str) -> Order:
    """A sample's order."""
    found = read(PEPPOL / name if (PEPPOL / name).exists() else OASIS / name).content
    assert isinstance(found, Order)
    return found


def amendment(name: str) -> Amendment:
    """A sample's amendment."""
    found = read(PEPPOL / name if (PEPPOL / name).exists() else OASIS / name).content
    assert isinstance(found, Amendment)
    return found


def document(kind: str, inner: str) -> bytes:
    """A document of ours, of the kind and with the elements given."""
    schema = f"urn:oasis:names:specification:ubl:schema:xsd:{kind}-2"
    text = inner.replace("<", "<cbc:").replace("<cbc:/", "</cbc:").replace("cbc:cac:", "cac:")
    return f'<{kind} xmlns="{schema}" {NAMES}>{text}</{kind}>'.encode()


def euros(name: str, value: str) -> str:
    """An amount's element."""
    return f'<{name} currencyID="EUR">{value}</{name}>'


def told(message: Message) -> str:
    """A message in a few words."""
    match message.content:
        case Order(id=name, status=status):
            return f"order {name.removeprefix('ubl:main:')} {status}"
        case Amendment(order=name, status=status):
            return f"amendment {name.removeprefix('ubl:main:')} {status}"
        case Foreign(kind=kind):
            return f"foreign {kind}"
        case Faulty(faults=faults):
            return f"faulty {faults[0].code}"


class TestSamples:
    """Each sample tells what its names say, and loses nothing."""

    @pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
    def test_each_tells_what_it_is(self, path: Path) -> None:
        """All of them go through the conformance suite of channels."""
        expected = TOLD.get(path.stem)
        found = told(read(path))
        assert found == expected if expected else found in {"foreign Invoice", "foreign ApplicationResponse"}

    def test_a_peppol_order_balances(self) -> None:
        """BIS 3: two lines, 20 % VAT, parties with their ids by scheme."""
        found = order("Order_sc1.xml")
        assert (found.number, found.placed, found.currency) == (
            "Order-1",
            "2022-02-01T00:00:00.000000Z",
            "EUR",
        )
        assert [(one.id, one.quantities.ordered, one.unit) for one in found.lines] == [
            ("1", "10", "NAR"),
            ("2", "50", "NAR"),
        ]
        assert found.totals.grand_total == Money(84000, "EUR")
        assert found.totals.tax == Money(14000, "EUR")
        assert reconcile(found).balanced
        assert found.buyer is not None
        assert (found.buyer.gln, found.buyer.organisation) == ("7300010000001", "City Hospital 345433")
        assert found.ship_to is not None
        assert found.ship_to.address is not None
        assert found.ship_to.address.street == ("Lower street 5", "Reception")
        assert ("originator", "document", "2139239") in {
            (one.system, one.kind, one.id) for one in found.references
        }

    def test_oasis_orders_differ_where_they_are_wrong_themselves(self) -> None:
        """UBL 2.1's example leaves its tax out of what is payable; 2.0's has a line of 100 times its amount."""
        assert reconcile(order("UBL-Order-2.0-Example-International.xml")).balanced
        (wrong,) = reconcile(order("UBL-Order-2.1-Example.xml")).differences
        assert (wrong.path, wrong.difference) == ("totals.grand_total", Money(-10000, "SEK"))

    def test_currency_comes_from_the_total_where_the_document_names_none(self) -> None:
        """UBL 2.0's international example has no DocumentCurrencyCode."""
        assert order("UBL-Order-2.0-Example-International.xml").currency == "USD"

    def test_amounts_of_other_currencies_are_each_a_fault(self) -> None:
        """CEN's maximal order mixes three currencies; every place is named."""
        content = read(OASIS / "CENBII-Order-maximal.xml").content
        assert isinstance(content, Faulty)
        assert content.order == "ubl:main:PM10405461"
        assert {fault.code for fault in content.faults} == {Code.CONTRADICTION}
        assert "/Order/TaxTotal/1/TaxAmount/@currencyID" in {fault.path for fault in content.faults}


class TestAmendments:
    """What comes after an order changes it."""

    def test_the_advanced_ordering_scenario(self) -> None:
        """An order, a change (a line deleted, the other as it is), a change (a quantity halved), a cancellation."""
        whole = order("Order_sc1.xml")
        changed = amend(whole, amendment("OrderChange_sc3.xml"))
        assert [(one.quantities.ordered, one.amount) for one in changed.lines] == [
            ("5", Money(20000, "EUR")), ("50", Money(30000, "EUR")),
        ]  # fmt: skip
        assert reconcile(changed).balanced
        assert changed.lines[0].requested_delivery is not None
        shorter = amend(whole, amendment("OrderChange_sc2.xml"))
        assert [one.id for one in shorter.lines] == ["1"]
        cancelled = amendment("OrderCancellation_sc5.xml")
        assert (cancelled.status, cancelled.cancel_reason) == (
            OrderStatus.CANCELLED,
            "To accept response from Seller",
        )

    def test_changes_count_without_holes(self) -> None:
        """The order is 0, its first change 1: a hole is seen."""
        whole, change = order("Order_sc1.xml"), amendment("OrderChange_sc3.xml")
        assert whole.source_version is not None
        assert change.version is not None
        assert (whole.source_version.number, change.version.number, change.follows) == (0, 2, 1)

    def test_a_response_promises_line_by_line(self) -> None:
        """UNCL1229: 5 as ordered, 3 changed, 7 not accepted, 42 delivered already; UNCL4343 at the head."""
        lines = "".join(
            f"<cac:OrderLine><cac:LineItem><ID>x</ID><LineStatusCode>{code}</LineStatusCode>{quantity}</cac:LineItem>"
            f"<cac:OrderLineReference><LineID>{number}</LineID></cac:OrderLineReference></cac:OrderLine>"
            for number, (code, quantity) in enumerate(
                [
                    ("5", "<Quantity>2</Quantity>"),
                    ("3", "<Quantity>1</Quantity>"),
                    ("7", ""),
                    ("42", "<Quantity>4</Quantity>"),
                ]
            )
        )
        body = document(
            "OrderResponse",
            "<ID>r</ID><IssueDate>2026-01-02Z</IssueDate><OrderResponseCode>CA</OrderResponseCode>"
            f"<cac:OrderReference><ID>7</ID></cac:OrderReference>{lines}",
        )
        (message,) = check_channel(Ubl(), delivery(body))
        assert isinstance(message.content, Amendment)
        assert message.content.status is OrderStatus.BEING_CHANGED
        told_lines = [(one.line, one.accepted, one.delivered) for one in message.content.changed_lines]
        assert told_lines == [("0", "2", None), ("1", "1", None), ("2", "0", None), ("3", None, "4")]

    def test_lines_are_added_reopened_and_removed(self) -> None:
        """OrderChange: 1 adds, 74 reopens, 2 deletes, 4 does nothing; another code is a fault."""
        line = (
            "<cac:OrderLine><cac:LineItem><ID>{}</ID><LineStatusCode>{}</LineStatusCode><Quantity>3</Quantity>"
            "</cac:LineItem></cac:OrderLine>"
        )
        head = (
            "<ID>c</ID><IssueDate>2026-01-02</IssueDate><cac:OrderReference><ID>7</ID></cac:OrderReference>"
        )
        codes = ("1", "74", "2", "4")
        body = document("OrderChange", head + "".join(map(line.format, codes, codes)))
        source = Source("ubl", "main", currency="EUR")
        (message,) = check_channel(Ubl(), Delivery(source, body, "2026-11-23T09:00:00.000000Z", Way.FILE))
        assert isinstance(message.content, Amendment)
        assert [one.id for one in message.content.added_lines] == ["1"]
        assert [(one.line, one.cancelled) for one in message.content.changed_lines] == [("74", "0")]
        assert message.content.removed_lines == ("2",)
        (message,) = Ubl().read(Delivery(source, body.replace(b">74<", b">99<"), "", Way.FILE))
        assert isinstance(message.content, Faulty)
        assert [fault.code for fault in message.content.faults] == [Code.UNKNOWN_WORD]

    def test_a_cancellation_of_several_orders_is_an_amendment_for_each(self) -> None:
        """OrderReference is 1..n."""
        refs = "".join(f"<cac:OrderReference><ID>{name}</ID></cac:OrderReference>" for name in "abc")
        body = document("OrderCancellation", f"<ID>x</ID><IssueDate>2026-01-02</IssueDate>{refs}")
        messages = check_channel(Ubl(), delivery(body))
        assert [told(one) for one in messages] == [f"amendment {name} cancelled" for name in "abc"]
        assert len({one.pointer for one in messages}) == 3

    def test_a_despatch_advice_is_a_parcel(self) -> None:
        """What left, when, by whom; SSCCs of logistic units; lines that name no order's line are kept."""
        (parcel,) = amendment("DespatchAdvice-BIS3_UseCase5.xml").fulfilments
        assert parcel.status is FulfilmentStatus.FULFILLED
        assert (parcel.carrier, len(parcel.sscc)) == ("Danske post", 4)
        assert [(one.line, one.quantity) for one in parcel.lines][2:4] == [("3", "3"), ("3", "0.975")]
        (plain,) = amendment("DespatchAdvice_Example.xml").fulfilments
        assert plain.shipped == "2018-09-25T13:00:00.000000Z"
        assert plain.tracking_numbers == ("456789",)

    def test_a_despatch_advice_of_two_orders_is_two_amendments(self) -> None:
        """Each with the lines that are of its order."""
        lines = "".join(
            f"<cac:DespatchLine><DeliveredQuantity>{number}</DeliveredQuantity>"
            "<cac:OrderLineReference><LineID>1</LineID>"
            f"<cac:OrderReference><ID>o{number}</ID></cac:OrderReference></cac:OrderLineReference></cac:DespatchLine>"
            for number in (1, 2)
        )
        body = document("DespatchAdvice", f"<ID>d</ID><IssueDate>2026-01-02</IssueDate>{lines}")
        messages = check_channel(Ubl(), delivery(body))
        assert [told(one) for one in messages] == ["amendment o1 None", "amendment o2 None"]


class TestForms:
    """Envelopes, agreements, freight, taxes on lines."""

    def test_an_envelope_gives_the_same_order_and_the_deliverys_id(self) -> None:
        """A StandardBusinessDocument's header is kept beside the order; its InstanceIdentifier is the delivery's."""
        bare = (PEPPOL / "Order_sc1.xml").read_bytes()
        header = (
            '<StandardBusinessDocument xmlns="http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader">'
            "<StandardBusinessDocumentHeader><DocumentIdentification><InstanceIdentifier>i-1</InstanceIdentifier>"
            "</DocumentIdentification></StandardBusinessDocumentHeader>"
        )
        body = header.encode() + bare.partition(b"?>")[2] + b"</StandardBusinessDocument>"
        (message,) = check_channel(Ubl(), delivery(body))
        plain, wrapped = order("Order_sc1.xml"), message.content
        assert isinstance(wrapped, Order)
        assert (wrapped.id, wrapped.lines, wrapped.totals) == (plain.id, plain.lines, plain.totals)
        assert message.pointer == "/StandardBusinessDocument"
        assert {one.pointer for one in plain.extensions} < {one.pointer for one in wrapped.extensions}
        assert Ubl().delivery_id(delivery(body)) == "i-1"
        assert Ubl().delivery_id(delivery(bare)) is None
        assert Ubl().delivery_id(delivery(b"<UUID")) is None

    def test_freight_taxes_on_lines_prepayment_and_rounding_add_up(self) -> None:
        """UNCL7161 FC is shipping; taxes stand on the lines where they come to the total; prepayment is off."""
        inner = (
            "<ID>9</ID><IssueDate>2026-01-02+01:00</IssueDate><IssueTime>10:00:00</IssueTime>"
            "<OrderTypeCode>226</OrderTypeCode>"
            "<cac:AllowanceCharge><ChargeIndicator>true</ChargeIndicator>"
            "<AllowanceChargeReasonCode>FC</AllowanceChargeReasonCode>"
            + euros("Amount", "5.00") + "</cac:AllowanceCharge>"
            "<cac:TaxTotal>" + euros("TaxAmount", "3.61") + "</cac:TaxTotal><cac:AnticipatedMonetaryTotal>"
            + euros("LineExtensionAmount", "19.00") + euros("TaxExclusiveAmount", "24.00")
            + euros("TaxInclusiveAmount", "27.61") + euros("ChargeTotalAmount", "5.00") + euros("PrepaidAmount", "7.60")
            + euros("PayableRoundingAmount", "-0.01") + euros("PayableAmount", "20.00")
            + "</cac:AnticipatedMonetaryTotal><cac:OrderLine><cac:LineItem><ID>1</ID>"
            '<Quantity unitCode="KGM">1000</Quantity>'
            + euros("LineExtensionAmount", "19.00") + euros("TotalTaxAmount", "3.61") + "<cac:Price>"
            + euros("PriceAmount", "1.9") + "<BaseQuantity>100</BaseQuantity></cac:Price>"
            "<cac:Item><Name>Nails</Name></cac:Item></cac:LineItem></cac:OrderLine>"
        )  # fmt: skip
        (message,) = check_channel(Ubl(), delivery(document("Order", inner)))
        found = message.content
        assert isinstance(found, Order)
        assert reconcile(found).balanced
        assert found.placed == "2026-01-02T09:00:00.000000Z"
        assert [one.amount for one in found.shipping] == [Money(500, "EUR")]
        assert (found.taxes, found.lines[0].taxes[0].amount) == ((), Money(361, "EUR"))
        assert (found.totals.grand_total, found.totals.due) == (Money(2760, "EUR"), Money(2000, "EUR"))
        assert found.lines[0].unit_price is not None
        assert found.lines[0].unit_price.per == "100"
        assert {one.pointer for one in found.extensions} == set()

    def test_an_order_agreement_is_an_order_that_is_accepted(self) -> None:
        """Peppol's T110 has the shape of a response, and no order before it."""
        inner = (
            "<CustomizationID>urn:fdc:peppol.eu:poacc:trns:order_agreement:3</CustomizationID><ID>a-1</ID>"
            "<SalesOrderID>s-1</SalesOrderID><IssueDate>2026-01-02</IssueDate>"
            "<DocumentCurrencyCode>EUR</DocumentCurrencyCode>"
            '<cac:LegalMonetaryTotal><PayableAmount currencyID="EUR">2</PayableAmount></cac:LegalMonetaryTotal>'
            "<cac:OrderLine><cac:LineItem><ID>1</ID><Quantity>2</Quantity></cac:LineItem></cac:OrderLine>"
        )
        (message,) = check_channel(Ubl(), delivery(document("OrderResponse", inner)))
        assert told(message) == "order s-1 accepted"

    def test_what_is_no_ubl_is_refused(self) -> None:
        """An order of another vocabulary is not taken for UBL's."""
        for body in (b"<Order/>", b'<Order xmlns="urn:x"><ID>1</ID></Order>', b"{}", b"<Order"):
            with pytest.raises(FaultyError):
                list(Ubl().read(delivery(body)))

    def test_all_that_is_missing_is_told_at_once(self) -> None:
        """An order without anything names each thing that an order needs."""
        (message,) = Ubl().read(delivery(document("Order", "")))
        assert isinstance(message.content, Faulty)
        assert {fault.path for fault in message.content.faults} == {
            "/Order/ID", "/Order/DocumentCurrencyCode", "/Order/OrderLine", "/Order/IssueDate",
        }  # fmt: skip

    def test_nobody_is_a_party(self) -> None:
        """A role without a word in it is absent, not an empty party."""
        assert order("UC3_Order.xml").buyer != Party()
        assert order("Order_sc1.xml").bill_to is None


@settings(max_examples=EXAMPLES, deadline=None)
@given(mutated_xml([path.read_bytes() for path in SAMPLES if path.stem in TOLD]))
def test_whatever_comes_nothing_else_is_raised(body: bytes) -> None:
    """Changed samples are orders, amendments, foreign or faulty; the conformance suite holds of all of them."""
    with suppress(FaultyError):
        check_channel(Ubl(), delivery(body))
        Ubl().delivery_id(delivery(body))
