"""Orders in memory, for tests and for trying things out."""

from threading import Lock

from ordertrail.kernel.errors import UnavailableError
from ordertrail.orders.format import format_order, parse_order
from ordertrail.orders.model import Order
from ordertrail.orders.ports import NOTHING, Stored
from ordertrail.orders.reference import Reference


class MemoryOrders:
    """Implements :class:`ordertrail.orders.ports.Orders`: all but durability. ``up`` false puts it out of reach."""

    def __init__(self) -> None:
        self.up = True
        self._kept: dict[str, tuple[bytes, int]] = {}
        self._lock = Lock()

    def get(self, order_id: str) -> Stored | None:
        """See the port."""
        self._require_up()
        with self._lock:
            kept = self._kept.get(order_id)
        return None if kept is None else Stored(parse_order(kept[0]), kept[1])

    def put(self, order: Order, expected: int) -> int | None:
        """See the port."""
        self._require_up()
        data = format_order(order)
        with self._lock:
            version = self._kept.get(order.id, (b"", NOTHING))[1]
            if version != expected:
                return None
            self._kept[order.id] = (data, version + 1)
            return version + 1

    def find(self, reference: Reference) -> list[str]:
        """See the port."""
        self._require_up()
        with self._lock:
            kept = list(self._kept.items())
        return sorted(name for name, (data, _) in kept if reference in parse_order(data).references)

    def _require_up(self) -> None:
        if not self.up:
            raise UnavailableError("the orders in memory are switched off")
