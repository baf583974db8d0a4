"""Channels hand over to receivers that listen: signed webhooks, a mail server behind Apprise, the terminal."""

import json
import socket
import ssl
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest

from exporting.receivers import certificate
from notify.receivers import SECRET, hooks_receiver, mail_server
from ordertrail.adapters.notify.here import Console
from ordertrail.adapters.notify.services import AppriseService
from ordertrail.adapters.notify.webhook import Endpoint, Webhook, is_public, parse_secret, payload, sign
from ordertrail.intake.delivery import Delivery, Source, Way
from ordertrail.intake.signatures.scheme import Credential
from ordertrail.intake.signatures.stamped import standard_webhooks
from ordertrail.kernel.clock import format_time, utc_now
from ordertrail.kernel.errors import ConfigurationError, LaterError, UnavailableError
from ordertrail.notify.message import Severity
from ordertrail.notify.parcel import parcel_of
from ordertrail.testing.conformance.notify import message

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # Apprise looks at it as it loads

PARCEL = parcel_of("0193-a", "desk", "2026-11-23T12:00:00.000000Z", [message(1, Severity.HIGH), message(2)])
OTHER = "whsec_" + "Q" * 32
KEYS = [parse_secret(SECRET), parse_secret(OTHER)]


def hook(url: str, *, resolving: Sequence[str] | None = None, private: bool = False) -> Webhook:
    """Return a webhook; ``resolving`` is what its name means."""
    endpoint = Endpoint(url, KEYS, private, timeout=2)
    if resolving is None:
        return Webhook(endpoint, utc_now)
    return Webhook(endpoint, utc_now, lambda _host, _port: resolving)


def delivered(headers: dict[str, str], body: bytes) -> Delivery:
    """Return what came as intake has it."""
    return Delivery(Source("mapped", "trail"), body, format_time(utc_now()), Way.WEBHOOK, headers)


def test_the_specifications_own_vector() -> None:
    """The example of Standard Webhooks: secret, id, time and body lead to its signature."""
    body = b'{"test": 2432232314}'
    signed = sign([parse_secret(SECRET)], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_webhook_is_proven_by_either_secret() -> None:
    """Intake's own verifier takes what came under each secret, and neither under another nor with a changed byte."""
    with hooks_receiver() as got:
        hook(got.url).send(PARCEL)
        (request,) = got.requests
    delivery = delivered(request.headers, request.body)
    for secret in (SECRET, OTHER):
        assert standard_webhooks(delivery, [Credential(secret)], utc_now()) is None
    assert standard_webhooks(delivery, [Credential("whsec_" + "A" * 32)], utc_now()) is not None
    changed = delivered(request.headers, request.body.replace(b"high", b"HIGH"))
    assert standard_webhooks(changed, [Credential(SECRET)], utc_now()) is not None
    assert request.headers["webhook-id"] == PARCEL.id
    told = json.loads(request.body)
    assert (told["type"], told["data"]["severity"], told["data"]["count"]) == (
        "ordertrail.notification",
        "high",
        2,
    )
    assert [one["severity"] for one in told["data"]["messages"]] == ["high", "medium"]
    assert request.body == payload(PARCEL)


def test_what_is_sent_again_has_the_same_id_and_bytes() -> None:
    """Whoever gets a parcel twice knows it by its id; only the time and the signature are another attempt's."""
    with hooks_receiver() as got:
        for _ in range(2):
            hook(got.url).send(PARCEL)
        first, second = got.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, UnavailableError), (503, UnavailableError), (429, UnavailableError), (408, UnavailableError),
     (302, ConfigurationError), (400, ConfigurationError), (401, ConfigurationError), (410, ConfigurationError)],
)  # fmt: skip
def test_an_answer_says_whether_another_attempt_is_of_use(status: int, error: type[Exception]) -> None:
    """What may pass is tried again, what will not is not; a redirect is followed nowhere."""
    with hooks_receiver() as got:
        got.answer = lambda _request: (status, {"Location": got.url + "/elsewhere"})
        with pytest.raises(error, match=str(status)):
            hook(got.url).send(PARCEL)
        assert [one.path for one in got.requests] == ["/hook"]


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("120", 120), ("9" * 40, 86_400), ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("in two minutes", 120)],
)  # fmt: skip
def test_a_receiver_says_when_to_come_again(said: str, seconds: int) -> None:
    """In seconds or as a date (RFC 9110); not for longer than a day, and never before now."""
    if said == "in two minutes":
        said = format_datetime(utc_now() + timedelta(seconds=seconds), usegmt=True)
    with hooks_receiver() as got:
        got.answer = lambda _request: (429, {"Retry-After": said})
        with pytest.raises(LaterError) as later:
            hook(got.url).send(PARCEL)
    assert seconds - 30 <= later.value.after.total_seconds() <= seconds


def test_nobody_who_listens_is_unavailable() -> None:
    """A port on which nobody listens, and a name without an address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(UnavailableError, match="cannot be reached: ConnectError"):
        hook(f"http://127.0.0.1:{port}/").send(PARCEL)
    with pytest.raises(UnavailableError, match="no address"):
        hook("https://hook.example/", resolving=[]).send(PARCEL)


def test_an_endless_answer_is_not_read() -> None:
    """Of an answer nothing is read but its status, however much there is of it."""
    with hooks_receiver() as got:
        got.answer = lambda _request: (204, {"X-Much": "x" * 10_000})
        hook(got.url).send(PARCEL)
        got.answer = lambda _request: (204, {"X-Much": "x" * 1_000_000})
        with pytest.raises(UnavailableError):
            hook(got.url).send(PARCEL)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
     "0.0.0.0", "224.0.0.1",  # noqa: S104 - as data
     "255.255.255.255", "240.0.0.1", "::1", "::", "fe80::1%eth0", "fd00::1", "ff02::1", "::ffff:127.0.0.1",
     "::ffff:10.0.0.1", "2002:7f00:1::", "2002:c0a8:101::1", "64:ff9b::a00:1", "2001:db8::1"],
)  # fmt: skip
def test_addresses_of_this_network_are_not_public(address: str) -> None:
    """Nor of this machine, of clouds' metadata, of nobody; in no spelling within another protocol."""
    assert not is_public(address)
    with pytest.raises(ConfigurationError, match="does not allow"):
        hook("https://hook.example/", resolving=["8.8.8.8", address]).send(PARCEL)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1"])
def test_addresses_of_others_are_public(address: str) -> None:
    """The rest of the Internet is."""
    assert is_public(address)


def test_the_connection_goes_where_was_looked_and_the_name_is_proven(tmp_path: Path) -> None:
    """The address that was looked at is connected to; its certificate is of the name, and of an authority of ours."""
    pem, key = certificate(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem, key)
    trusted = ssl.create_default_context(cafile=str(pem))
    with hooks_receiver(server) as got:
        Webhook(Endpoint(got.url, KEYS, timeout=2, tls=trusted), utc_now).send(PARCEL)
        named = replace(Endpoint(got.url, KEYS, private=True, timeout=2, tls=trusted))
        named = replace(named, url=named.url.replace("127.0.0.1", "hook.example"))
        with pytest.raises(UnavailableError):
            Webhook(named, utc_now, lambda _host, _port: ["127.0.0.1"]).send(PARCEL)
        with pytest.raises(UnavailableError):
            hook(got.url).send(PARCEL)
        assert len(got.requests) == 1
    with hooks_receiver() as got:
        port = httpx.URL(got.url).port
        endpoint = Endpoint(f"http://localhost:{port}/hook", KEYS)
        Webhook(endpoint, utc_now, lambda _host, _port: ["127.0.0.1"]).send(PARCEL)
        assert got.requests[0].headers["host"] == f"localhost:{port}"


def test_a_name_in_other_letters_is_asked_for_as_the_net_spells_it() -> None:
    """Names are IDNA-encoded before they are resolved, and for the certificate."""
    asked: list[str] = []

    def resolving(host: str, _port: int) -> list[str]:
        asked.append(host)
        return []

    with pytest.raises(UnavailableError, match="no address"):
        Webhook(Endpoint("https://bücher.example/", KEYS), utc_now, resolving).send(PARCEL)
    assert asked == ["xn--bcher-kva.example"]


@pytest.mark.parametrize(
    "url", ["http://hook.example/", "ftp://127.0.0.1/", "http://10.0.0.1/", "file:///etc/passwd"]
)
def test_only_what_is_encrypted_leaves_the_machine(url: str) -> None:
    """http:// is for this machine alone."""
    with pytest.raises(ConfigurationError, match="https://"):
        hook(url)


@pytest.mark.parametrize(
    "text", ["", "whsec_", "whsec_c2hvcnQ=", "whsec_????", "whsec_" + "Q" * 100, "hunter2"]
)
def test_a_weak_secret_is_refused_and_not_shown(text: str) -> None:
    """24 to 64 bytes, as the specification says."""
    with pytest.raises(ValueError, match="base64 of 24 to 64 bytes") as told:
        parse_secret(text)
    assert len(text) < 7 or text not in str(told.value)


def test_mail_goes_through_apprise() -> None:
    """A real mail server gets title, text and link; one that refuses makes the route wait."""
    with mail_server() as mail:
        address = f"mailto://127.0.0.1:{mail.port}?from=trail@shop.example&to=desk@shop.example&mode=insecure"
        service = AppriseService("desk", address, 3)
        service.send(PARCEL)
        (letter,) = mail.letters
        assert "2 messages" in str(letter["Subject"])
        assert letter["To"] is not None
        assert "desk@shop.example" in letter["To"]
        body = letter.get_body(("plain",))
        assert body is not None
        text = body.get_content()
        assert "https://trail.example/events/1" in text
        assert "A person cancelled order SO-2" in text
        mail.refuses = True
        with pytest.raises(UnavailableError) as refused:
            service.send(PARCEL)
        assert "shop.example" not in str(refused.value)


def test_an_address_that_nobody_knows_is_not_shown() -> None:
    """The file of a route holds a secret: what is wrong with it is said without it."""
    with pytest.raises(ConfigurationError) as told:
        AppriseService("desk", "nosuch://token-of-ours@service", 3)
    assert "token-of-ours" not in str(told.value.diagnostics())


def test_the_terminal_gets_lines() -> None:
    """Title, and text."""
    lines: list[str] = []
    Console(lines.append).send(PARCEL)
    (told,) = lines
    assert told.startswith(PARCEL.title)
    assert PARCEL.text in told
