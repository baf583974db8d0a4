"""What a provider's API has in these tests: elements of its lists and answers about parcels, as it documents them."""

from typing import Any

from correlate.remote import Api
from correlate.test_providers import STRIPE_CHARGE
from ordertrail.correlate.asking import Turn
from ordertrail.correlate.provider import asking_of

AT = "2026-11-22T12:00:00Z"
UNIX = 1_795_348_800
MONEY = {"value": "10.00", "currency": "EUR"}


def stripe_event(number: int) -> dict[str, Any]:
    """Return an event of Stripe's about a charge of its own."""
    charge = {**STRIPE_CHARGE, "id": f"ch_{number}", "payment_intent": f"pi_{number}"}
    told = {"object": "event", "id": f"evt_{number}", "type": "charge.succeeded", "created": UNIX}
    return {**told, "data": {"object": charge}}


def element(provider: str, number: int) -> dict[str, Any]:
    """Return an element of a provider's list, in its documented form."""
    ident = f"{provider}-{number}"
    scan = {"status": "in_transit", "datetime": AT}
    capture = {"id": ident, "status": "COMPLETED", "create_time": AT, "final_capture": True}
    forms: dict[str, dict[str, Any]] = {
        "aftership": {
            "id": ident,
            "tracking_number": f"AS{number}",
            "tag": "InTransit",
            "updated_at": AT,
            "checkpoints": [{"tag": "InTransit", "checkpoint_time": AT}],
        },
        "authorizenet": {"id": ident, "notificationId": ident, "eventType": "x", "eventDate": AT},
        "braintree": {
            "id": ident,
            "of": ("transactions", "refunds")[number % 2],
            "legacyId": ident,
            "createdAt": AT,
            "status": "SETTLED",
            "amount": {"value": "10.00", "currencyCode": "USD"},
        },
        "easypost": {
            "id": ident,
            "object": "Tracker",
            "tracking_code": f"EZ{number}",
            "status": "in_transit",
            "tracking_details": [scan],
        },
        "mollie": {
            "id": ident,
            "resource": "payment",
            "status": "paid",
            "amount": MONEY,
            "createdAt": AT,
            "paidAt": AT,
        },
        "paypal": {
            "id": f"WH-{number}",
            "event_type": "PAYMENT.CAPTURE.COMPLETED",
            "resource_type": "capture",
            "create_time": AT,
            "resource": {**capture, "amount": {"value": "10.00", "currency_code": "USD"}},
        },
        "razorpay": {
            "id": ident,
            "entity": "payment",
            "status": "captured",
            "amount": 1000,
            "currency": "INR",
            "created_at": UNIX,
        },
        "shippo": {
            "id": ident,
            "rate": "r",
            "status": "SUCCESS",
            "tracking_number": f"SH{number}",
            "object_created": AT,
        },
        "square": {
            "id": ident,
            "status": "COMPLETED",
            "amount_money": {"amount": 1000, "currency": "USD"},
            "created_at": AT,
            "updated_at": AT,
        },
        "stripe": stripe_event(number),
    }
    return forms[provider]


def notification(ident: str) -> dict[str, Any]:
    """Return a notification of Authorize.Net's."""
    payload = {"responseCode": 1, "authAmount": 10, "id": ident}
    told = {"notificationId": ident, "eventType": "net.authorize.payment.authcapture.created"}
    return {**told, "eventDate": AT, "payload": payload}


def stock(api: Api, provider: str, numbers: range) -> None:
    """Put elements into a provider's first list; its other lists are empty."""
    known = asking_of(provider)
    assert known is not None
    api.provider = provider
    for listing in known.lists:
        api.lists[listing.path] = []
    api.lists[known.lists[0].path] = [element(provider, number) for number in numbers]
    if provider == "authorizenet":
        for number in numbers:
            ident = f"authorizenet-{number}"
            api.documents[f"/rest/v1/notifications/{ident}"] = notification(ident)
    if known.lists[0].turn is Turn.NUMBER:
        api.size = known.lists[0].size


def scans(provider: str, number: str, *, there: bool) -> Any:
    """Return a carrier's answer about a parcel."""
    word = {"ups": "D", "fedex": "DL", "usps": "01", "dhl": "delivered"}[provider] if there else None
    moving = {"ups": "I", "fedex": "IT", "usps": "10", "dhl": "transit"}[provider]
    seen = [one for one in (moving, word) if one is not None]
    return {
        "ups": {
            "trackResponse": {
                "shipment": [
                    {
                        "package": [
                            {
                                "trackingNumber": number,
                                "activity": [
                                    {"status": {"type": one}, "date": "20261122", "time": "120000"}
                                    for one in seen
                                ],
                            }
                        ]
                    }
                ]
            }
        },
        "fedex": {
            "output": {
                "completeTrackResults": [
                    {
                        "trackResults": [
                            {
                                "trackingNumberInfo": {"trackingNumber": number},
                                "scanEvents": [{"eventType": one, "date": AT} for one in seen],
                            }
                        ]
                    }
                ]
            }
        },
        "usps": [
            {
                "trackingNumber": number,
                "trackingEvents": [{"eventCode": one, "GMTTimestamp": AT} for one in seen],
            }
        ],
        "dhl": {
            "shipments": [{"id": number, "events": [{"statusCode": one, "timestamp": AT} for one in seen]}]
        },
    }[provider]


NUMBERS = {
    "ups": ("1Z204W4R0308071865", "1Z204W4R0308071866", "1Z204W4R0308071867"),
    "fedex": ("794600000001", "794600000002", "794600000003"),
    "usps": ("9400111899223847199991", "9400111899223847199992", "9400111899223847199993"),
    "dhl": ("3318810025", "3318810026", "3318810027"),
}


def answers_for(api: Api, provider: str, told: dict[str, Any]) -> None:
    """Have an API answer for these parcels, and for none besides."""
    plain = api.answer

    def answer(asked: Any) -> tuple[int, Any]:
        if asked.path.endswith("token"):
            return plain(asked)
        found = told.get(number_of(provider, asked))
        return (404, {"errors": [{"code": "404", "message": "not found"}]}) if found is None else (200, found)

    api.answer = answer  # type: ignore[method-assign]


def number_of(provider: str, asked: Any) -> str:
    """Return the number that a question is about."""
    found = {
        "ups": lambda: asked.path.rsplit("/", 1)[1],
        "dhl": lambda: asked.said["trackingNumber"],
        "usps": lambda: asked.posted[0]["trackingNumber"],
        "fedex": lambda: asked.posted["trackingInfo"][0]["trackingNumberInfo"]["trackingNumber"],
    }[provider]()
    assert isinstance(found, str)
    return found
