"""Providers read what is documented, and refuse what is not with a reason that says so."""

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlate.told import brief, delivery, facts, observe
from ordertrail.correlate.facts import Fact
from ordertrail.correlate.observation import Facts, Observation
from ordertrail.correlate.provider import BUILT_IN, open_provider, provider_names
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.faults import FaultyError
from ordertrail.intake.message import Faulty, Foreign
from ordertrail.intake.signatures.catalogue import SCHEMES
from ordertrail.intake.signatures.scheme import Credential
from ordertrail.kernel.clock import parse_time
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.testing.conformance.correlate_provider import check_provider
from shared_data import shared, shared_json

CARRIERS = ("ups", "fedex", "dhl", "usps")
FOLDERS = ("stripe", "adyen", "paypal", "square", "braintree", "authorizenet", "mollie", "razorpay")
BROKERS = ("easypost", "shippo", "aftership")


def samples() -> list[tuple[str, Path]]:
    """All payloads of providers that lie beside the project."""
    found = [(name, path) for name in FOLDERS + BROKERS for path in shared(f"samples/{name}").rglob("*")]
    for folder in ("carriers-json", "carriers-xml"):
        for path in shared(f"samples/{folder}").iterdir():
            found += [(name, path) for name in CARRIERS if name in path.name]
    return sorted((name, path) for name, path in found if path.is_file())


SAMPLES = samples()
LAWS_OF_FACTS = ("dispute", "refund", "failed", "won", "lost")


def read(name: str, body: bytes) -> list[Observation]:
    """Read a payload as of an account in dollars."""
    return observe(name, body, currency="USD")


@pytest.mark.parametrize(("name", "path"), SAMPLES, ids=lambda one: getattr(one, "name", str(one)))
def test_every_payload_is_read_or_refused_with_a_reason(name: str, path: Path) -> None:
    """Real payloads become facts, or are told apart with a sentence; a fact is whole, and read the same each time."""
    body = path.read_bytes()
    told = read(name, body)
    assert told or b'"data": []' in body or b'"results": []' in body or b": []" in body
    assert read(name, body) == told
    for one in told:
        match one.content:
            case Facts(found):
                assert found
                for fact in found:
                    assert fact.system == name
                    assert fact.thing
                    assert parse_time(fact.time)
                    assert fact.amount is None or fact.amount.amount >= 0
            case Foreign(kind, reason):
                assert kind
                assert len(reason) > 15
            case Faulty(faults):
                assert all(fault.message for fault in faults)


@pytest.mark.parametrize("name", sorted({*FOLDERS, *BROKERS, *CARRIERS}))
def test_each_provider_conforms(name: str) -> None:
    """Every provider that is shipped does what correlation relies on, with all payloads there are of it."""
    own = [delivery(name, path.read_bytes(), currency="USD") for each, path in SAMPLES if each == name]
    assert check_provider(open_provider(name), own) > 0


def test_what_merchants_write_is_a_reference_or_left_out() -> None:
    """A sentence, a name or an address in a field for the order's number is no link: the log never names a person."""
    for text in (
        "Hello World!",
        "Ada Lovelace",
        "ada1@example.test",
        "ring twice, 3rd floor!",
        "x" * 99 + "1" * 9,
    ):
        (fact,) = facts("stripe", {**STRIPE_CHARGE, "metadata": {"order_id": text}})
        assert [link.id for link in fact.links if link.kind == "order"] == []
    for text in ("SO-1042", "#1042", "web:north:17", "AB 12/3", "0197b3a2-77aa-7000-8000-000000000001"):
        (fact,) = facts("stripe", {**STRIPE_CHARGE, "metadata": {"order_id": text}})
        assert [link.id for link in fact.links if link.kind == "order"] == [text]


def test_a_part_without_end_is_refused() -> None:
    """A parcel of more scans than any has is a fault, and not ten thousand events."""
    details = [{"status": "in_transit", "datetime": 1_700_000_000 + n} for n in range(10_002)]
    tracker = {
        "object": "Tracker",
        "id": "t",
        "tracking_code": "EZ1",
        "status": "in_transit",
        "tracking_details": details,
    }
    (one,) = observe("easypost", tracker)
    assert isinstance(one.content, Faulty)
    assert one.content.faults[0].code == "too_large"


def test_most_that_should_tell_something_does() -> None:
    """Of each provider's payloads some are facts; no provider refuses all that there is."""
    telling: dict[str, int] = {}
    for name, path in SAMPLES:
        found = [one for one in read(name, path.read_bytes()) if isinstance(one.content, Facts)]
        telling[name] = telling.get(name, 0) + len(found)
    assert all(telling[name] for name in (*FOLDERS, *BROKERS, *CARRIERS)), telling


STRIPE_CHARGE = {
    "object": "charge", "id": "ch_1", "amount": 7200, "amount_captured": 7200, "amount_refunded": 0, "captured": True,
    "currency": "eur", "created": 1763820130, "payment_intent": "pi_1", "status": "succeeded",
    "metadata": {"order_id": "SO-1042"},
}  # fmt: skip

TOLD: list[tuple[str, Any, list[tuple[str, str, str, int | None]]]] = [
    ("stripe", STRIPE_CHARGE, [("captured", "pi_1", "ch_1", 7200)]),
    ("stripe", {**STRIPE_CHARGE, "captured": False}, [("authorised", "pi_1", "ch_1", 7200)]),
    ("stripe", {**STRIPE_CHARGE, "status": "failed"}, [("failed", "pi_1", "ch_1", 7200)]),
    (
        "stripe",
        {**STRIPE_CHARGE, "amount_refunded": 200},
        [("captured", "pi_1", "ch_1", 7200), ("refunded", "pi_1", "pi_1@200", 200)],
    ),
    (
        "stripe",
        {**STRIPE_CHARGE, "captured": False, "amount_refunded": 7200},
        [("authorised", "pi_1", "ch_1", 7200), ("voided", "pi_1", "ch_1", 7200)],
    ),
    # Stripe writes Malagasy ariary without digits, and Icelandic krónur with two, unlike ISO 4217.
    ("stripe", {**STRIPE_CHARGE, "currency": "mga"}, [("captured", "pi_1", "ch_1", 720000)]),
    ("stripe", {**STRIPE_CHARGE, "currency": "isk"}, [("captured", "pi_1", "ch_1", 72)]),
    ("stripe", {**STRIPE_CHARGE, "currency": "jpy"}, [("captured", "pi_1", "ch_1", 7200)]),
    (
        "stripe",
        {
            "object": "payment_intent", "id": "pi_1", "created": 1763820130, "currency": "eur",
            "status": "succeeded", "amount_received": 7200, "latest_charge": "ch_1",
        },
        [("captured", "pi_1", "ch_1", 7200)],
    ),
    (
        "stripe",
        {
            "object": "dispute", "id": "dp_1", "created": 1763820130, "currency": "eur", "status": "lost",
            "amount": 7200, "charge": "ch_1", "payment_intent": "pi_1",
        },
        [("disputed", "pi_1", "dp_1", 7200), ("dispute_lost", "pi_1", "dp_1", 7200)],
    ),
    (
        "square",
        {
            "event_id": "e1", "type": "payment.updated", "data": {"object": {"payment": {
                "id": "p1", "status": "COMPLETED", "updated_at": "2026-11-22T14:00:00Z", "order_id": "o1",
                "total_money": {"amount": 7200, "currency": "USD"},
                "refunded_money": {"amount": 100, "currency": "USD"},
            }}},
        },
        [("captured", "p1", "p1", 7200), ("refunded", "p1", "p1@100", 100)],
    ),
    (
        "mollie",
        {
            "resource": "payment", "id": "tr_1", "status": "paid", "createdAt": "2026-11-22T14:00:00+00:00",
            "paidAt": "2026-11-22T14:01:00+00:00", "amount": {"value": "72.00", "currency": "EUR"},
            "amountChargedBack": {"value": "72.00", "currency": "EUR"},
        },
        [("captured", "tr_1", "tr_1", 7200), ("disputed", "tr_1", "tr_1@7200", 7200)],
    ),
    (
        "razorpay",
        {"event": "refund.failed", "entity": "event", "payload": {"refund": {"entity": {
            "id": "rfnd_1", "entity": "refund", "amount": 100, "currency": "INR", "payment_id": "pay_1",
            "created_at": 1763820130, "status": "failed",
        }}}},
        [("refund_failed", "pay_1", "rfnd_1", 100)],
    ),
    (
        "authorizenet",
        {
            "notificationId": "n1", "eventType": "net.authorize.payment.authcapture.created",
            "eventDate": "2026-11-22T14:00:00.7722007Z",
            "payload": {"responseCode": 2, "authAmount": 72.05, "id": "400"},
        },
        [("failed", "400", "400", 7205)],
    ),
    (
        "paypal",
        {
            "id": "WH-1", "event_type": "PAYMENT.CAPTURE.REFUNDED", "resource_type": "refund",
            "create_time": "2026-11-22T14:00:00Z", "resource": {
                "id": "REF1", "status": "COMPLETED", "amount": {"value": "72.00", "currency_code": "EUR"},
                "links": [{"rel": "up", "href": "https://api.paypal.com/v2/payments/captures/8AC69731MH5501234"}],
            },
        },
        [("refunded", "8AC69731MH5501234", "REF1", 7200)],
    ),
    (
        "ups",
        {
            "trackingNumber": "1Z1", "gmtActivityDate": "20260423", "gmtActivityTime": "131519",
            "activityStatus": {"type": "D", "code": "FS"},
        },
        [("delivered", "1Z1", "1Z1/D/FS/2026-04-23T13:15:19.000000Z", None)],
    ),
    (
        "dhl",
        {"shipments": [{"id": "77", "events": [
            {"timestamp": "2026-03-02T07:53:47Z", "statusCode": "transit"},
            {"timestamp": "2026-03-03T07:53:47Z", "statusCode": "failure"},
        ]}]},
        [
            ("in_transit", "77", "77/transit/2026-03-02T07:53:47.000000Z", None),
            ("exception", "77", "77/failure/2026-03-03T07:53:47.000000Z", None),
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "body", "expected"), TOLD)
def test_documented_payloads_tell_just_this(name: str, body: Any, expected: list[Any]) -> None:
    """What a provider documents is read as what it says happened, to the minor unit."""
    assert [brief(fact) for fact in facts(name, body, currency="USD")] == expected


def test_a_charge_and_its_intent_tell_one_capture() -> None:
    """Two objects of one payment tell the same fact: known by the same key, it counts once."""
    intent = TOLD[8][1]
    (one,), (other,) = facts("stripe", STRIPE_CHARGE), facts("stripe", intent)
    assert one.key == other.key


UPS_ODD = {"trackingNumber": "1", "localActivityDate": "20260423", "activityStatus": {"type": "?"}}
ANET_ODD = {"transactions": [{"transId": "1", "transactionStatus": "odd"}]}

ADYEN: dict[str, Any] = {
    "eventCode": "CAPTURE", "success": "true", "pspReference": "P2", "originalReference": "P1",
    "eventDate": "2026-11-22T14:00:00+01:00", "merchantReference": "SO-1", "amount": {"value": 100, "currency": "EUR"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "success", "kind"),
    [
        ("AUTHORISATION", "true", "authorised"),
        ("AUTHORISATION", "false", "failed"),
        ("CAPTURE", "true", "captured"),
        ("CAPTURE", "false", "capture_failed"),
        ("CAPTURE_FAILED", "true", "capture_failed"),
        ("REFUND", "true", "refunded"),
        ("REFUND", "false", "refund_failed"),
        ("REFUNDED_REVERSED", "true", "refund_failed"),
        ("CHARGEBACK", "true", "disputed"),
        ("CHARGEBACK_REVERSED", "true", "dispute_won"),
        ("SECOND_CHARGEBACK", "true", "dispute_lost"),
        ("EXPIRE", "true", "voided"),
        ("CANCELLATION", "true", "voided"),
        ("CANCELLATION", "false", None),
        ("REPORT_AVAILABLE", "true", None),
    ],
)
def test_codes_of_adyen(code: str, success: str, kind: str | None) -> None:
    """Each code tells one thing where it came about, and another or nothing where it did not."""
    item = {**ADYEN, "eventCode": code, "success": success}
    (one,) = observe("adyen", {"notificationItems": [{"NotificationRequestItem": item}]})
    if kind is None:
        assert isinstance(one.content, Foreign)
    else:
        assert isinstance(one.content, Facts)
        (fact,) = one.content.facts
        assert (fact.kind, fact.thing, fact.id) == (kind, "P1", "P2")


def test_one_bad_item_does_not_spoil_its_batch() -> None:
    """Of a batch each item stands for itself: one is faulty, with its place in the whole, and the other is told."""
    bad = {key: value for key, value in ADYEN.items() if key != "eventDate"}
    items = [{"NotificationRequestItem": one} for one in (bad, ADYEN)]
    first, second = observe("adyen", {"notificationItems": items})
    assert isinstance(first.content, Faulty)
    assert [fault.path for fault in first.content.faults] == [
        "/notificationItems/0/NotificationRequestItem/eventDate"
    ]
    assert isinstance(second.content, Facts)


@pytest.mark.parametrize(
    ("name", "body", "path"),
    [
        ("stripe", {**STRIPE_CHARGE, "amount": "a lot"}, "/amount"),
        ("stripe", {**STRIPE_CHARGE, "currency": "xxx"}, "/currency"),
        ("stripe", {**STRIPE_CHARGE, "currency": "isk", "amount_captured": 7250}, "/amount_captured"),
        ("stripe", {key: value for key, value in STRIPE_CHARGE.items() if key != "created"}, "/created"),

        ("square", {"payment": {"id": "p", "status": "STRANGE"}}, "/payment/status"),
        ("ups", UPS_ODD, "/activityStatus/type"),
        ("authorizenet", ANET_ODD, "/transactions/0/transactionStatus"),
    ],
)  # fmt: skip
def test_faults_name_their_place(name: str, body: Any, path: str) -> None:
    """What cannot be read is refused as a whole, with the place and a sentence; nothing of it becomes a fact."""
    told = observe(name, body, currency="USD")
    assert len(told) == 1
    content = told[0].content
    assert isinstance(content, Faulty)
    assert path in [fault.path for fault in content.faults]


@pytest.mark.parametrize("name", sorted(BUILT_IN))
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[" * 100_000, b"\xff\xfe", b'{"a": 1, "a": 2}', b"<a><b></a>", b'<!DOCTYPE a [<!ENTITY b "c">]><a/>'],
)  # fmt: skip
def test_what_is_no_document_is_refused_as_one(name: str, body: bytes) -> None:
    """Bytes that are no document, bombs among them, are a fault of the delivery, and never another error."""
    options = {"mapping": MAPPING}
    with pytest.raises(FaultyError):
        observe(name, body, options=options)
    assert open_provider(name).delivery_id(delivery(name, body, options=options)) is None


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["charge", "event", "EUR"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
BODIES: list[tuple[str, Any]] = [(name, body) for name, body, _ in TOLD]


@given(st.sampled_from(BODIES), st.data())
def test_a_payload_with_anything_in_any_place_is_read_or_refused(
    sample: tuple[str, Any], data: st.DataObject
) -> None:
    """Whatever stands where a value is expected, reading ends in facts, something foreign, or faults."""
    name, body = sample
    tree = json.loads(json.dumps(body))
    here: Any = tree
    while isinstance(here, dict | list) and here:
        places = list(here) if isinstance(here, dict) else list(range(len(here)))
        place = data.draw(st.sampled_from(places))
        if not isinstance(here[place], dict | list) or data.draw(st.booleans()):
            here[place] = data.draw(json_values)
            break
        here = here[place]
    for one in observe(name, tree, currency="USD"):
        assert isinstance(one.content, Facts | Foreign | Faulty)


VECTORS: list[dict[str, Any]] = [
    one
    for one in shared_json("samples/signatures/vectors.json")
    if one["provider"] in BUILT_IN and one["verified"]
]


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_each_provider_signs_by_a_scheme_that_is_there(name: str) -> None:
    """A provider's scheme is one of intake's, so that its webhooks are verified by it."""
    provider = open_provider(name)
    assert provider.name == name
    assert provider.signature in SCHEMES


def _signed(vector: dict[str, Any], body: str) -> Delivery:
    """Return a vector's webhook with a body in the place of its own."""
    name = vector["provider"]
    raw, headers, options = body.encode(), {}, {}
    if name == "braintree":
        raw = urlencode({"bt_signature": vector["signature"], "bt_payload": body}).encode()
    elif name != "adyen":
        headers = {vector["header"].lower(): vector["signature"]}
    if "url" in vector:
        options = {"url": vector["url"]}
    return delivery(name, raw, headers=headers, options=options)


@pytest.mark.parametrize("vector", VECTORS, ids=[f"{one['provider']}-{n}" for n, one in enumerate(VECTORS)])
def test_official_vectors_verify_and_altered_ones_do_not(vector: dict[str, Any]) -> None:
    """Official signatures are judged by a provider's own scheme as the provider does; altered, none holds."""
    scheme = SCHEMES[open_provider(vector["provider"]).signature]
    secret = [Credential(vector["secret"], vector.get("public_key", ""))]
    sent = _signed(vector, vector["body"])
    now = parse_time(sent.received)
    valid = vector.get("expect", "valid") == "valid"
    assert (scheme(sent, secret, now) is None) == valid
    money = vector["body"].replace('"EUR"', '"USD"')
    altered = money if vector["provider"] == "adyen" else vector["body"] + " "
    assert altered != vector["body"]
    assert scheme(_signed(vector, altered), secret, now) is not None


def test_braintree_reads_the_form_that_it_signs() -> None:
    """A webhook of Braintree's is a form around XML; what stands in it is read as the XML itself is."""
    xml = b"""<notification><timestamp type="datetime">2026-11-22T14:00:00Z</timestamp><kind>transaction_settled</kind>
    <subject><transaction><id>t1</id><amount>72.00</amount><currency-iso-code>EUR</currency-iso-code>
    <order-id>SO-1</order-id><refunded-transaction-id nil="true"/></transaction></subject></notification>"""
    form = b"bt_signature=a%7Cb&bt_payload=" + base64.encodebytes(xml).replace(b"+", b"%2B")
    for body in (xml, form):
        assert [brief(fact) for fact in facts("braintree", body)] == [("captured", "t1", "t1", 7200)]


def test_a_mollie_webhook_only_names_what_to_fetch() -> None:
    """Anybody can post an id: nothing of it is a fact until Mollie's own answer is handed in."""
    (one,) = observe("mollie", b"id=tr_7UhSN1zuXS")
    assert isinstance(one.content, Foreign)
    assert "tr_7UhSN1zuXS" in one.content.reason


MAPPING = """
list = "/events"
delivery_id = "/batch"
[fact]
kind = { at = "/type", words = { paid = "captured", back = "refunded" } }
thing = "/pay/id"
id = "/id"
time = "/at"
amount = { at = "/cents", minor = true }
currency = { at = "/cur", value = "EUR" }
orders = ["/order"]
ignore = ["ping"]
"""


def test_a_provider_by_mapping() -> None:
    """A mapping makes facts of a provider that nobody wrote a module for; what it does not know is a fault."""
    body = {
        "batch": "b7",
        "events": [
            {
                "type": "paid",
                "pay": {"id": "P"},
                "id": "e1",
                "at": "2026-11-22T14:00:00Z",
                "cents": 7200,
                "order": "#1",
            },
            {"type": "ping"},
            {"type": "odd"},
        ],
    }
    options = {"mapping": MAPPING}
    first, second, third = observe("mapped", body, options=options)
    assert isinstance(first.content, Facts)
    (fact,) = first.content.facts
    assert brief(fact) == ("captured", "P", "e1", 7200)
    assert [(link.kind, link.id) for link in fact.links] == [("order", "#1")]
    assert isinstance(second.content, Foreign)
    assert isinstance(third.content, Faulty)
    assert open_provider("mapped").delivery_id(delivery("mapped", body, options=options)) == "b7"


def test_an_unknown_provider_is_refused_with_those_that_are_there() -> None:
    """Whoever names a provider that is not there is told which are."""
    with pytest.raises(ConfigurationError, match="no provider 'strype'"):
        open_provider("strype")
    assert set(BUILT_IN) <= set(provider_names())


def test_payers_are_shown_by_nothing() -> None:
    """Who paid is personal: it is in no text of a fact."""
    (fact,) = facts("stripe", {**STRIPE_CHARGE, "receipt_email": "ada@example.test"})
    assert fact.payer == "ada@example.test"
    assert "ada" not in repr(fact)
    assert isinstance(fact.without_payer(), Fact)
    assert fact.without_payer().payer is None
