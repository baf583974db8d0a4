"""A key ring over a key management service keeps its port's promises, over AWS's wire and over any other."""

import json
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import monotonic
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ordertrail.adapters.kms.aws import AwsKms
from ordertrail.adapters.kms.keyring import KmsKeyRing
from ordertrail.adapters.kms.remote import RemoteKey
from ordertrail.kernel.errors import ConfigurationError, InputError, OrderTrailError, UnavailableError
from ordertrail.ledger.ports import KeyRing
from ordertrail.ledger.signers import signature_by
from ordertrail.ledger.vkey import SignatureType, format_vkey
from ordertrail.testing.conformance.key_ring import NAME, TEXT, KeyRingSuite
from servers.kms import HIDDEN, key_service


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """The address of a service."""
    with key_service() as address:
        yield address


@pytest.fixture
def client(service: str) -> Any:
    """The service as its operator sees it."""
    return boto3.client("kms", endpoint_url=service)


@pytest.fixture
def closed() -> str:
    """An address where nobody answers."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}"


@contextmanager
def refusing(status: int, code: str) -> Iterator[str]:
    """Run a service that refuses everything."""

    class Refusal(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"__type": code, "message": "for a test"}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusal) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


class TestAwsKeyRing(KeyRingSuite):
    """KmsKeyRing over moto's KMS, which has no Ed25519."""

    secrets = (HIDDEN,)

    @pytest.fixture
    def reopen(self, service: str) -> Callable[[], KeyRing]:
        """Open it once more."""
        return lambda: KmsKeyRing(AwsKms(endpoint=service))

    @pytest.fixture
    def unreachable(self, closed: str) -> Callable[[str], KeyRing]:
        """Out of reach."""
        return lambda _vkey: KmsKeyRing(AwsKms(endpoint=closed, timeout_seconds=1))

    def test_where_there_is_no_ed25519_a_key_is_ecdsa(self, ring: KeyRing) -> None:
        """The next best that the service has."""
        assert ring.create(NAME).key.type is SignatureType.ECDSA_P256

    def test_a_key_is_found_by_people_too(self, ring: KeyRing, client: Any) -> None:
        """By its alias, its description and its tag; it signs and does nothing else."""
        key = ring.create("orders.example.com/größe#1").key
        alias = next(
            one["AliasName"]
            for one in client.list_aliases(Limit=1_000)["Aliases"]
            if one["AliasName"].endswith(f"/{key.key_id.hex()}")
        )
        metadata = client.describe_key(KeyId=alias)["KeyMetadata"]
        assert alias.startswith("alias/ordertrail/")
        assert metadata["KeyUsage"] == "SIGN_VERIFY"
        assert "orders.example.com/größe#1" in metadata["Description"]
        assert client.list_resource_tags(KeyId=metadata["KeyId"])["Tags"] == [
            {"TagKey": "ordertrail-log", "TagValue": "orders.example.com/größe_1"}
        ]

    def test_a_moved_alias_is_refused(
        self, ring: KeyRing, client: Any, reopen: Callable[[], KeyRing]
    ) -> None:
        """Another key under our label must not sign in the log's name; a signer in hand goes on with ours."""
        ours, theirs = ring.create(NAME), ring.create(NAME)
        aliases = {one["AliasName"][-8:]: one for one in client.list_aliases(Limit=1_000)["Aliases"]}
        client.update_alias(
            AliasName=aliases[ours.key.key_id.hex()]["AliasName"],
            TargetKeyId=aliases[theirs.key.key_id.hex()]["TargetKeyId"],
        )
        vkey = format_vkey(ours.key)
        with pytest.raises(ConfigurationError, match="another key under the label"):
            reopen().signer(vkey)
        signature_by(ours, TEXT)

    def test_a_stop_before_a_key_is_labelled_leaves_an_unused_key(
        self, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And nothing else: older keys sign, and the next one is made."""
        before = ring.create(NAME)

        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(AwsKms, "label", stop)
            with pytest.raises(KeyboardInterrupt):
                ring.create(NAME)
        for signer in (before, ring.create(NAME)):
            signature_by(signer, TEXT)

    def test_problems_are_those_of_a_trail_that_signs_here(
        self, reopen: Callable[[], KmsKeyRing], closed: str, client: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A key that is gone is one; a service that cannot be asked is none."""
        ring = reopen()
        vkey = format_vkey(ring.create(NAME).key)
        stranger = format_vkey(KmsKeyRing(OtherCloud()).create(NAME).key)
        assert ring.problems(vkey) == []
        assert ring.encrypted(vkey)
        (problem,) = reopen().problems(stranger)
        assert "is not in the key management service" in problem
        assert not reopen().encrypted(stranger)
        assert KmsKeyRing(AwsKms(endpoint=closed, timeout_seconds=1)).problems(vkey) == []
        theirs = ring.create(NAME)
        aliases = {one["AliasName"][-8:]: one for one in client.list_aliases(Limit=1_000)["Aliases"]}
        client.update_alias(
            AliasName=aliases[vkey.split("+")[1]]["AliasName"],
            TargetKeyId=aliases[theirs.key.key_id.hex()]["TargetKeyId"],
        )
        (problem,) = reopen().problems(vkey)
        assert "has another key under the label" in problem
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
        monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
        assert reopen().problems(vkey) == []


class TestSettings:
    """What is set up wrongly is named, and nobody waits long."""

    @pytest.fixture(autouse=True)
    def _environment(self, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
        assert service
        for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
            monkeypatch.setenv(name, "/nowhere")

    def test_no_region(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The setting is named."""
        monkeypatch.delenv("AWS_DEFAULT_REGION")
        with pytest.raises(ConfigurationError, match=r"signer\.region"):
            KmsKeyRing(AwsKms()).create(NAME)

    def test_no_credentials(self, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """The remedy names the variables."""
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        with pytest.raises(ConfigurationError, match="no credentials") as caught:
            KmsKeyRing(AwsKms(endpoint=service)).create(NAME)
        assert "AWS_ACCESS_KEY_ID" in caught.value.remedy

    def test_no_address(self) -> None:
        """The setting is named."""
        with pytest.raises(ConfigurationError, match=r"signer\.endpoint"):
            KmsKeyRing(AwsKms(endpoint="not an address")).create(NAME)

    def test_a_kind_that_is_not_offered(self, service: str) -> None:
        """Is told by its name."""
        with pytest.raises(ConfigurationError, match="ECC_NIST_EDWARDS25519"):
            AwsKms(endpoint=service, key_type=SignatureType.ED25519).create(NAME)

    def test_a_service_that_says_nothing_is_not_waited_for(self) -> None:
        """A connection that is taken and never answered ends after the timeout, twice."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"http://127.0.0.1:{silent.getsockname()[1]}"
            began = monotonic()
            with pytest.raises(UnavailableError, match="does not answer"):
                KmsKeyRing(AwsKms(endpoint=address, timeout_seconds=0.3)).create(NAME)
            assert monotonic() - began < 10

    @pytest.mark.parametrize(
        ("status", "code", "expected"),
        [
            (400, "DisabledException", ConfigurationError),
            (400, "AccessDeniedException", ConfigurationError),
            (400, "KMSInvalidStateException", ConfigurationError),
            (400, "KeyUnavailableException", UnavailableError),
            (500, "Whatever", UnavailableError),
        ],
    )
    def test_what_the_service_refuses_is_told(
        self, status: int, code: str, expected: type[OrderTrailError]
    ) -> None:
        """What it means for the evidence, and what to do; what may pass is unavailable."""
        with refusing(status, code) as address, pytest.raises(expected, match=code) as caught:
            KmsKeyRing(AwsKms(endpoint=address)).create(NAME)
        assert "waits in the journal" in caught.value.meaning
        assert caught.value.remedy

    def test_no_error_shows_a_secret(self, closed: str, service: str) -> None:
        """Whatever goes wrong."""
        told = []
        for endpoint in (closed, "not an address", service):
            kms = AwsKms(endpoint=endpoint, timeout_seconds=0.3, key_type=SignatureType.ED25519)
            with pytest.raises(OrderTrailError) as caught:
                KmsKeyRing(kms).create(NAME)
            told.append(f"{caught.value.diagnostics()} {caught.value!r}")
        assert HIDDEN not in " ".join(told)

    def test_a_missing_package(self, service: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Is told with the command that installs it."""
        monkeypatch.setitem(sys.modules, "boto3", None)
        with pytest.raises(ConfigurationError) as caught:
            KmsKeyRing(AwsKms(endpoint=service)).create(NAME)
        assert "pip install 'ordertrail[kms]'" in caught.value.remedy


@dataclass(frozen=True, slots=True)
class OtherKey:
    """Another cloud's Ed25519 key: one class."""

    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate, repr=False)

    @property
    def spki(self) -> bytes:
        """See the port."""
        return self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, data: bytes) -> bytes:
        """See the port."""
        return self.private.sign(data)


@dataclass(frozen=True, slots=True)
class OtherCloud:
    """Another cloud's service: and one more."""

    keys: dict[tuple[str, str], RemoteKey] = field(default_factory=dict)

    def create(self, name: str) -> RemoteKey:
        """See the port."""
        assert name
        return OtherKey()

    def label(self, key: RemoteKey, name: str, key_id: str) -> None:
        """See the port."""
        self.keys[name, key_id] = key

    def find(self, name: str, key_id: str) -> RemoteKey | None:
        """See the port."""
        return self.keys.get((name, key_id))


class TestOtherCloud(KeyRingSuite):
    """KmsKeyRing over a service of another make, with Ed25519."""

    @pytest.fixture
    def reopen(self) -> Callable[[], KeyRing]:
        """Open it once more."""
        return partial(KmsKeyRing, OtherCloud())

    def test_a_faulty_service_signs_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each signature is verified before it is given out."""
        monkeypatch.setattr(OtherKey, "sign", lambda _self, _data: bytes(64))
        signer = KmsKeyRing(OtherCloud()).create(NAME)
        with pytest.raises(ConfigurationError, match="is faulty"):
            signer.sign(TEXT)

    def test_a_key_of_a_kind_that_no_note_has(self, ring: KeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
        """Is refused when it is made."""
        monkeypatch.setattr(OtherKey, "spki", b"\x30\x03abc")
        with pytest.raises(InputError, match="type 0x02"):
            ring.create(NAME)
