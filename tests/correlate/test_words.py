"""The words that providers document: each tells what it says, or is told apart with a reason; none is guessed at."""

from typing import Any

import pytest

from correlate.told import facts, observe
from ordertrail.intake.message import Faulty, Foreign

AT = "2026-11-22T12:00:00Z"
MONEY = {"value": 1000, "currency": "EUR"}


def kinds(provider: str, document: Any) -> list[str]:
    """Return what a document tells, in the one vocabulary; what is foreign as that."""
    (one,) = observe(provider, document, currency="USD")
    if isinstance(one.content, Foreign):
        assert len(one.content.reason) > 15
        return ["foreign"]
    assert not isinstance(one.content, Faulty), one.content
    return [str(fact.kind) for fact in one.content.facts]


ADYEN = {
    "AUTHORISATION": ("authorised", "failed"),
    "AUTHORISATION_ADJUSTMENT": ("authorised", "foreign"),
    "AUTORESCUE": ("foreign", "foreign"),
    "AUTORESCUE_NEXT_ATTEMPT": ("foreign", "foreign"),
    "CANCELLATION": ("voided", "foreign"),
    "CANCEL_AUTORESCUE": ("foreign", "foreign"),
    "CAPTURE": ("captured", "capture_failed"),
    "CAPTURE_FAILED": ("capture_failed", "foreign"),
    "CHARGEBACK": ("disputed", "foreign"),
    "CHARGEBACK_REVERSED": ("dispute_won", "foreign"),
    "DISPUTE_DEFENSE_PERIOD_ENDED": ("foreign", "foreign"),
    "DONATION": ("foreign", "foreign"),
    "EXPIRE": ("voided", "foreign"),
    "HANDLED_EXTERNALLY": ("foreign", "foreign"),
    "INFORMATION_SUPPLIED": ("foreign", "foreign"),
    "ISSUER_COMMENTS": ("foreign", "foreign"),
    "ISSUER_RESPONSE_TIMEFRAME_EXPIRED": ("foreign", "foreign"),
    "MANUAL_REVIEW_ACCEPT": ("foreign", "foreign"),
    "MANUAL_REVIEW_REJECT": ("foreign", "foreign"),
    "NOTIFICATION_OF_CHARGEBACK": ("disputed", "foreign"),
    "NOTIFICATION_OF_FRAUD": ("foreign", "foreign"),
    "OFFER_CLOSED": ("foreign", "foreign"),
    "ORDER_CLOSED": ("foreign", "foreign"),
    "ORDER_OPENED": ("foreign", "foreign"),
    "PAIDOUT_REVERSED": ("foreign", "foreign"),
    "PAYOUT_THIRDPARTY": ("foreign", "foreign"),
    "PENDING": ("foreign", "foreign"),
    "POSTPONED_REFUND": ("refunded", "refund_failed"),
    "PREARBITRATION_LOST": ("dispute_lost", "foreign"),
    "PREARBITRATION_WON": ("dispute_won", "foreign"),
    "RECURRING_CONTRACT": ("foreign", "foreign"),
    "REFUND": ("refunded", "refund_failed"),
    "REFUNDED_REVERSED": ("refund_failed", "foreign"),
    "REFUND_FAILED": ("refund_failed", "foreign"),
    "REFUND_WITH_DATA": ("refunded", "refund_failed"),
    "REPORT_AVAILABLE": ("foreign", "foreign"),
    "REQUEST_FOR_INFORMATION": ("foreign", "foreign"),
    "SECOND_CHARGEBACK": ("dispute_lost", "foreign"),
    "TECHNICAL_CANCEL": ("voided", "foreign"),
    "VOID_PENDING_REFUND": ("refund_failed", "foreign"),
}


@pytest.mark.parametrize("code", ADYEN)
def test_each_event_code_of_adyen(code: str) -> None:
    """docs.adyen.com, "Webhook types": by success and by its absence."""
    for success, kind in zip(("true", "false"), ADYEN[code], strict=True):
        item = {"eventCode": code, "success": success, "pspReference": "p1", "eventDate": AT, "amount": MONEY}
        assert kinds("adyen", {"notificationItems": [{"NotificationRequestItem": item}]}) == [kind]


def _paypal(kind: str, event: str, status: str, **more: Any) -> dict[str, Any]:
    thing = {
        "id": "X1",
        "status": status,
        "create_time": AT,
        "amount": {"value": "10.00", "currency_code": "USD"},
    }
    told = {"id": "WH-1", "event_type": event, "resource_type": kind, "create_time": AT}
    return {**told, "resource": {**thing, **more}}


@pytest.mark.parametrize(
    ("kind", "event", "status", "told"),
    [
        ("authorization", "PAYMENT.AUTHORIZATION.CREATED", "CREATED", "authorised"),
        ("authorization", "PAYMENT.AUTHORIZATION.CREATED", "PARTIALLY_CREATED", "authorised"),
        ("authorization", "PAYMENT.AUTHORIZATION.CREATED", "PENDING", "foreign"),
        ("authorization", "PAYMENT.AUTHORIZATION.VOIDED", "VOIDED", "voided"),
        ("authorization", "PAYMENT.AUTHORIZATION.VOIDED", "EXPIRED", "voided"),
        ("capture", "PAYMENT.CAPTURE.COMPLETED", "COMPLETED", "captured"),
        ("capture", "PAYMENT.CAPTURE.DECLINED", "DECLINED", "failed"),
        ("capture", "PAYMENT.CAPTURE.DENIED", "DENIED", "failed"),
        ("capture", "PAYMENT.CAPTURE.PENDING", "PENDING", "foreign"),
        ("refund", "PAYMENT.CAPTURE.REFUNDED", "COMPLETED", "refunded"),
        ("refund", "PAYMENT.CAPTURE.REVERSED", "COMPLETED", "refunded"),
        ("refund", "PAYMENT.REFUND.PENDING", "PENDING", "refunded"),
        ("refund", "PAYMENT.REFUND.FAILED", "FAILED", "refund_failed"),
        ("payouts", "PAYMENT.PAYOUTSBATCH.SUCCESS", "SUCCESS", "foreign"),
        ("subscription", "BILLING.SUBSCRIPTION.ACTIVATED", "ACTIVE", "foreign"),
        ("invoices", "INVOICING.INVOICE.PAID", "PAID", "foreign"),
    ],
)
def test_each_event_of_paypal(kind: str, event: str, status: str, told: str) -> None:
    """developer.paypal.com, "Webhook event names"."""
    assert kinds("paypal", _paypal(kind, event, status)) == [told]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("authorization.created", "authorised"),
        ("authcapture.created", "captured"),
        ("capture.created", "captured"),
        ("priorAuthCapture.created", "captured"),
        ("refund.created", "refunded"),
        ("void.created", "voided"),
        ("fraud.approved", "authorised"),
        ("fraud.declined", "failed"),
        ("fraud.held", "foreign"),
    ],
)
def test_each_event_of_authorize_net(code: str, told: str) -> None:
    """developer.authorize.net, "Webhooks": what is held has moved no money, whatever event says so."""
    event = {"notificationId": "n", "eventType": f"net.authorize.payment.{code}", "eventDate": AT}
    payload = {"id": "6", "authAmount": 10, "responseCode": 1}
    assert kinds("authorizenet", {**event, "payload": payload}) == [told]
    assert kinds("authorizenet", {**event, "payload": {**payload, "responseCode": 4}}) == ["foreign"]
    for other in ("customer.created", "customer.subscription.created", "payment.other"):
        assert kinds("authorizenet", {**event, "eventType": f"net.authorize.{other}", "payload": {}}) == [
            "foreign"
        ]


def test_the_states_of_a_dispute_of_stripe() -> None:
    """Each documented state of a dispute: opened by all, ended by those that end it."""
    ends = {
        "won": "dispute_won",
        "warning_closed": "dispute_won",
        "prevented": "dispute_won",
        "charge_refunded": "dispute_won",
        "lost": "dispute_lost",
    }
    going = ("needs_response", "under_review", "warning_needs_response", "warning_under_review")
    for status in (*ends, *going):
        dispute = {
            "object": "dispute",
            "id": "dp",
            "charge": "ch",
            "created": 1,
            "amount": 5,
            "currency": "eur",
        }
        told = kinds("stripe", {**dispute, "status": status})
        assert told == ["disputed", *([ends[status]] if status in ends else [])]


def test_what_is_paid_of_an_invoice_of_stripe() -> None:
    """Since 2025 an invoice names no payment; its payments do."""
    paid = {
        "object": "invoice_payment",
        "id": "inpay_1",
        "created": 1_763_820_131,
        "amount_paid": 7200,
        "currency": "eur",
        "invoice": "in_1",
        "status": "paid",
        "payment": {"type": "payment_intent", "payment_intent": "pi_1"},
        "status_transitions": {"paid_at": 1_763_820_140},
    }
    (fact,) = facts("stripe", paid)
    assert (fact.kind, fact.thing, fact.total) == ("captured", "pi_1", True)
    assert kinds("stripe", {**paid, "status": "open"}) == ["foreign"]


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("M", "label_made"),
        ("MV", "exception"),
        ("P", "in_transit"),
        ("I", "in_transit"),
        ("O", "in_transit"),
        ("W", "in_transit"),
        ("DO", "in_transit"),
        ("DD", "in_transit"),
        ("D", "delivered"),
        ("X", "exception"),
        ("RS", "returned"),
    ],
)
def test_each_status_of_ups(word: str, told: str) -> None:
    """developer.ups.com, Tracking: freight at a container station has not arrived with who ordered it."""
    status = {"type": word, "code": "XX"}
    event = {"trackingNumber": "1Z", "activityStatus": status, "gmtActivityDate": "20261122"}
    assert kinds("ups", {**event, "gmtActivityTime": "120000"}) == [told]


def test_a_status_of_ups_that_is_none_tells_nothing() -> None:
    """``NA`` is no sighting; a word that nobody documented is a fault."""
    event = {"trackingNumber": "1Z", "gmtActivityDate": "20261122", "gmtActivityTime": "120000"}
    assert kinds("ups", {**event, "activityStatus": {"type": "NA"}}) == ["foreign"]
    (odd,) = observe("ups", {**event, "activityStatus": {"type": "ZZ"}})
    assert isinstance(odd.content, Faulty)


@pytest.mark.parametrize(
    ("provider", "words"),
    [
        (
            "fedex",
            {
                "label_made": "OC IN OX RP EP DR",
                "in_transit": "PU PX AR DP AF OF FD IT IX OD HL CC CP LO SF TR",
                "exception": "DE SE CA CD DY DD PD",
                "delivered": "DL",
                "returned": "RS",
            },
        ),
        (
            "usps",
            {
                "label_made": "GX MA GC NP",
                "in_transit": "03 07 10 A1 EF L1 OA OF PC SF T1 TM 80 81 82 14 16",
                "exception": "02 04 05 08 11 15 30 51 52 53 54 55 56 71",
                "delivered": "01",
                "returned": "09 21 22 23 24 25 26 27 28 29 31",
            },
        ),
        (
            "dhl",
            {
                "label_made": "SA",
                "in_transit": "PU PL DF AF AR WC CR IC CI TR ES SM RR TP HO IA",
                "exception": "BA CA CD CM DM DS MC MD MS NA ND NH OH PD RD SS ST TD UD",
                "delivered": "OK DD",
                "returned": "RT",
            },
        ),
    ],
)
def test_each_word_of_a_carrier(provider: str, words: dict[str, str]) -> None:
    """The codes that FedEx, USPS and DHL Express document for what was seen of a parcel."""
    for told, codes in words.items():
        for code in codes.split():
            seen = {
                "fedex": {
                    "trackingNumberInfo": {"trackingNumber": "1"},
                    "scanEvents": [{"eventType": code, "date": AT}],
                },
                "usps": {"trackingNumber": "1", "trackingEvents": [{"eventCode": code, "GMTTimestamp": AT}]},
                "dhl": {
                    "shipments": [
                        {
                            "shipmentTrackingNumber": "1",
                            "events": [{"typeCode": code, "date": "2026-11-22", "time": "12:00:00"}],
                        }
                    ]
                },
            }[provider]
            assert (code, kinds(provider, seen)) == (code, [told])


def test_the_states_of_other_gateways() -> None:
    """Square, Mollie, Razorpay: each documented state of a payment and of a refund."""
    money = {"amount": 1000, "currency": "USD"}
    square = {"APPROVED": "authorised", "COMPLETED": "captured", "CANCELED": "voided", "FAILED": "failed"}
    for status, told in {**square, "PENDING": "foreign"}.items():
        payment = {"id": "1", "status": status, "amount_money": money, "created_at": AT}
        assert kinds("square", {"payment": payment}) == [told]
    mollie = {
        "paid": "captured",
        "authorized": "authorised",
        "canceled": "voided",
        "expired": "voided",
        "failed": "failed",
        "open": "foreign",
        "pending": "foreign",
    }
    for status, told in mollie.items():
        paid = {"resource": "payment", "id": "tr_1", "status": status, "createdAt": AT}
        paying = {**paid, "amount": {"value": "10.00", "currency": "EUR"}}
        assert kinds("mollie", paying) == [told]
        event = {"resource": "event", "id": "event_1", "_embedded": {"entity": paying}}
        assert kinds("mollie", event) == [told]
    razorpay = {"authorized": "authorised", "captured": "captured", "failed": "failed", "created": "foreign"}
    for status, told in razorpay.items():
        entity = {"entity": "payment", "id": "pay_1", "status": status, "amount": 5, "currency": "INR"}
        assert kinds("razorpay", {**entity, "created_at": 1}) == [told]


def test_the_states_of_a_transaction_of_braintree() -> None:
    """By its XML and by its search: what is under way has moved nothing, what settles was taken."""
    words = {
        "authorized": "authorised",
        "authorizing": "foreign",
        "authorization_expired": "voided",
        "submitted_for_settlement": "captured",
        "settling": "captured",
        "settlement_confirmed": "captured",
        "settlement_pending": "foreign",
        "settled": "captured",
        "settlement_declined": "capture_failed",
        "voided": "voided",
        "processor_declined": "failed",
        "gateway_rejected": "failed",
        "failed": "failed",
    }
    for status, told in words.items():
        xml = (
            f"<transaction><id>t1</id><status>{status}</status><amount>10.00</amount>"
            f"<currency-iso-code>USD</currency-iso-code><created-at type='datetime'>{AT}</created-at></transaction>"
        )
        assert kinds("braintree", xml.encode()) == [told]
        node = {"legacyId": "t1", "createdAt": AT, "status": status.upper()}
        found = {**node, "amount": {"value": "10.00", "currencyCode": "USD"}}
        assert kinds("braintree", {"data": {"search": {"transactions": {"edges": [{"node": found}]}}}}) == [
            told
        ]
        back = {"captured": "refunded", "authorised": "refunded", "foreign": "foreign"}.get(
            told, "refund_failed"
        )
        refund = {**found, "refundedTransaction": {"legacyId": "t0"}}
        assert kinds("braintree", {"data": {"search": {"refunds": {"edges": [{"node": refund}]}}}}) == [back]
    ends = {"OPEN": 1, "WON": 2, "LOST": 2, "ACCEPTED": 2, "EXPIRED": 2, "UNDER_REVIEW": 1}
    for status, many in ends.items():
        opened = {"legacyId": "d1", "createdAt": AT, "status": status, "transaction": {"legacyId": "t1"}}
        dispute = {**opened, "amountDisputed": {"value": "10.00", "currencyCode": "USD"}}
        found = {"data": {"search": {"disputes": {"edges": [{"node": dispute}]}}}}
        assert len(kinds("braintree", found)) == many
    assert kinds("braintree", {"data": {"search": {"disputes": {"edges": []}}}}) == ["foreign"]
