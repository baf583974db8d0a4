"""Reading what tests of EDI channels write: one delivery, and what it tells."""

from dataclasses import dataclass

from ordertrail.intake.amendment import Amendment
from ordertrail.intake.channel import Channel
from ordertrail.intake.delivery import Delivery, Source, Way
from ordertrail.intake.message import Faulty, Foreign, Message
from ordertrail.orders.model import Order
from ordertrail.testing.conformance.channel import check_channel


@dataclass(frozen=True)
class Reading:
    """Deliveries of a source, read by its channel."""

    channel: Channel
    source: Source

    def delivered(self, body: str | bytes, source: Source | None = None) -> Delivery:
        """Return a delivery as it comes by file."""
        data = body.encode() if isinstance(body, str) else body
        return Delivery(source or self.source, data, "2026-03-11T08:00:00.000000Z", Way.FILE)

    def told(self, body: str | bytes, source: Source | None = None) -> Message:
        """Return the one message that a delivery tells, with all that intake relies on checked."""
        (message,) = check_channel(self.channel, self.delivered(body, source))
        return message

    def order_in(self, body: str | bytes, source: Source | None = None) -> Order:
        """Return the order that a delivery states."""
        content = self.told(body, source).content
        assert isinstance(content, Order), content
        return content

    def amendment_in(self, body: str | bytes) -> Amendment:
        """Return the change that a delivery states."""
        content = self.told(body).content
        assert isinstance(content, Amendment), content
        return content

    def faults_in(self, body: str | bytes, source: Source | None = None) -> list[str]:
        """Return the faults that keep a delivery from being read, each with its code."""
        content = self.told(body, source).content
        assert isinstance(content, Faulty), content
        return [f"{fault.code} {fault}" for fault in content.faults]

    def said(self, message: Message) -> str:
        """Return what a message tells, in a few words."""
        ours = f"{self.source.channel}:{self.source.account}:"
        match message.content:
            case Order() as order:
                return f"order {order.id.removeprefix(ours)} {order.status}"
            case Amendment() as change:
                return f"amendment {change.order.removeprefix(ours)} {change.status}"
            case Foreign() as other:
                return f"foreign {other.kind}"
            case Faulty() as wrong:
                return f"faulty {' '.join(sorted({fault.code.value for fault in wrong.faults}))}"
