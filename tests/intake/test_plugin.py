"""A channel of a user's own: named by an entry point of an installed package, and held to what intake relies on."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ordertrail.intake.channel import channel_names, open_channel
from ordertrail.intake.delivery import Delivery, Source, Way
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.testing.conformance.channel import check_channel

MODULE = """
from ordertrail.intake.document import Document
from ordertrail.intake.message import Foreign, Message


class AcmeChannel:
    name = "acme"

    def delivery_id(self, delivery):
        return delivery.headers.get("x-acme-id")

    def read(self, delivery):
        root = Document.of_json(delivery.body).root
        yield Message("", Foreign(root.text("kind") or "unknown", "Acme sends no orders yet"), root)
"""


@pytest.fixture
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package with a channel, as pip would lay it down."""
    (tmp_path / "acme_ordertrail.py").write_text(MODULE)
    metadata = tmp_path / "acme_ordertrail-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-ordertrail\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[ordertrail.channels]\nacme = acme_ordertrail:AcmeChannel\n")
    monkeypatch.syspath_prepend(tmp_path)
    open_channel.cache_clear()
    yield
    open_channel.cache_clear()
    sys.modules.pop("acme_ordertrail", None)


@pytest.mark.usefixtures("_installed")
def test_an_installed_channel_is_opened_and_checked() -> None:
    """It stands beside the shipped ones, and the conformance check reads with it."""
    assert "acme" in channel_names()
    delivery = Delivery(
        Source("acme", "main"), b'{"kind": "news"}', "2026-11-23T12:00:00.000000Z", Way.WEBHOOK
    )
    (message,) = check_channel(open_channel("acme"), delivery)
    assert message.content.kind == "news"  # type: ignore[union-attr]


def test_a_channel_that_nobody_has_is_named_with_those_that_are() -> None:
    """And with how another one is added."""
    with pytest.raises(ConfigurationError, match="no channel 'acme-2'") as caught:
        open_channel("acme-2")
    assert "shopify" in caught.value.remedy
