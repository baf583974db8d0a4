"""The primitives that we take from ``cryptography``, against Wycheproof's vectors."""

from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared_data import shared_json


def cases(name: str, count: int) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each group and test of a Wycheproof file, of which there must be ``count``."""
    vectors = shared_json(f"vectors/wycheproof/testvectors_v1/{name}_test.json")
    assert vectors["numberOfTests"] == count
    seen = 0
    for group in vectors["testGroups"]:
        for test in group["tests"]:
            seen += 1
            yield group, test
    assert seen == count


def test_ed25519() -> None:
    """Good signatures verify; malleable, truncated and garbled ones do not."""
    for group, test in cases("ed25519", 151):
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(group["publicKey"]["pk"]))
        try:
            key.verify(bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"]))
            result = "valid"
        except InvalidSignature:
            result = "invalid"
        assert result == test["result"], test


def test_ml_dsa_44() -> None:
    """Good signatures verify; wrong norms, hints, contexts, lengths and keys do not."""
    for group, test in cases("mldsa_44_verify", 180):
        context = bytes.fromhex(test["ctx"]) if "ctx" in test else None
        try:
            key = MLDSA44PublicKey.from_public_bytes(bytes.fromhex(group["publicKey"]))
            key.verify(bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"]), context)
            result = "valid"
        except (InvalidSignature, ValueError):
            result = "invalid"
        assert result == test["result"], test


def test_aes_gcm() -> None:
    """Good ciphertexts open and are made again byte for byte; changed ones do not open.

    ``cryptography`` refuses nonces of under 8 and over 128 bytes, good ones too; ours have 12.
    """
    refused = set()
    for group, test in cases("aes_gcm", 316):
        fields = ("iv", "aad", "msg", "ct", "tag")
        nonce, aad, message, ciphertext, tag = (bytes.fromhex(test[field]) for field in fields)
        cipher = AESGCM(bytes.fromhex(test["key"]))
        try:
            opened = cipher.decrypt(nonce, ciphertext + tag, aad)
        except InvalidTag:
            assert test["result"] == "invalid", test
            continue
        except ValueError:
            refused.add(group["ivSize"] // 8)
            continue
        assert test["result"] == "valid", test
        assert opened == message
        assert cipher.encrypt(nonce, message, aad) == ciphertext + tag
    assert refused == {0, 1, 2, 4, 6, 257}


def test_hkdf_sha256() -> None:
    """Keys are derived as RFC 5869 says; too many bytes are refused."""
    for _, test in cases("hkdf_sha256", 86):
        salt, info, secret = (bytes.fromhex(test[field]) for field in ("salt", "info", "ikm"))
        if test["result"] == "invalid":
            with pytest.raises(ValueError, match="derive"):
                HKDF(SHA256(), test["size"], salt, info)
            continue
        assert HKDF(SHA256(), test["size"], salt, info).derive(secret).hex() == test["okm"], test


def test_hmac_sha256() -> None:
    """Tags are those of RFC 2104, whole or cut to their first half; changed ones are refused."""
    for group, test in cases("hmac_sha256", 174):
        mac = HMAC(bytes.fromhex(test["key"]), SHA256())
        mac.update(bytes.fromhex(test["msg"]))
        whole, tag = mac.finalize(), bytes.fromhex(test["tag"])
        assert len(tag) == group["tagSize"] // 8
        assert (whole[: len(tag)] == tag) == (test["result"] == "valid"), test
