"""The bus between applications and the ledger: a relay that sends over it, and what takes from it for a trail."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ordertrail.adapters.nats.connecting import BusAddress
from ordertrail.adapters.nats.publishing import Line, PublishingDoor
from ordertrail.adapters.nats.taking import Taker
from ordertrail.adapters.sql.journal import SqlJournal
from ordertrail.assembly.filing import filing_door
from ordertrail.assembly.relay import outbox_engine
from ordertrail.assembly.stores import Stores, read_settings
from ordertrail.assembly.trail import open_trail
from ordertrail.capture.guard.settling import settle
from ordertrail.capture.outbox.relay import Relay
from ordertrail.kernel.clock import utc_now
from ordertrail.kernel.errors import ConfigurationError, InputError, Problem
from ordertrail.kernel.ids import format_id, parse_id
from ordertrail.record.ports import Journal
from ordertrail.record.recorder import Arriving, Recorded
from ordertrail.retention.filing import FilingDoor
from ordertrail.settings import secret
from ordertrail.settings.transport import TransportSettings


@contextmanager
def open_bus_relay(url: str, line: Line, *, password: str | None = None) -> Iterator[Relay]:
    """Open a relay from the outbox at ``url`` to the bus; there need be no trail on this machine.

    Raises as :func:`ordertrail.assembly.relay.open_relay` does.
    """
    with outbox_engine(url, password) as engine, PublishingDoor(line) as door:
        yield Relay(engine, door, gather=settle)


@contextmanager
def open_taker(root: Path, application: str) -> Iterator[Taker]:
    """Open what takes an application's events from the bus, and records them in the trail in ``root``.

    Each event goes to the stream that the trail's own relay would put it into. Raises ConfigurationError where the
    settings name no bus.
    """
    settings = read_settings(root)
    said, address = settings.transport, bus_address(root, settings.transport)
    database = Stores(root, settings, utc_now).database.open()
    try:
        with open_trail(root) as trail:
            ledger = TrailLedger(filing_door(trail), SqlJournal(database))
            yield Taker(address, application, ledger, replicas=said.replicas)
    finally:
        database.close()


def bus_address(root: Path, said: TransportSettings) -> BusAddress:
    """Return where the bus of these settings answers, and as whom we come; files are named from ``root``."""
    if not said.urls:
        raise ConfigurationError("no bus is named", remedy="Name its servers with urls of [transport].")
    file = None if said.password_file is None else str(root / said.password_file)
    password = None if said.user is None else secret("TRANSPORT_PASSWORD", file, "transport.password_file")
    return BusAddress(
        tuple(said.urls),
        said.user,
        None if password is None else password.decode(),
        None if said.credentials_file is None else str(root / said.credentials_file),
    )


def bus_line(said: Mapping[str, Any], application: str) -> Line:
    """Return an application's way to the ledger, from what would be settings of [transport].

    Files are named from the folder that we are in. Raises InputError naming what is wrong with any of it.
    """
    try:
        settings = TransportSettings.model_validate({**said, "applications": [application]})
    except ValidationError as error:
        raise InputError(
            [Problem(".".join(map(str, one["loc"])), one["msg"]) for one in error.errors()]
        ) from None
    return Line(bus_address(Path(), settings), application, settings.replicas)


@dataclass(frozen=True, slots=True)
class TrailLedger:
    """Implements :class:`ordertrail.adapters.nats.taking.Ledger` on a trail."""

    door: FilingDoor
    journal: Journal

    def record_each(self, source: Iterable[Arriving]) -> Iterator[Recorded]:
        """See the port."""
        return self.door.record_each(source)

    def holds(self, ids: Sequence[str]) -> frozenset[str]:
        """See the port. What is no id is held by nobody."""
        known = []
        for id_ in ids:
            try:
                known.append(parse_id(id_))
            except ValueError:
                continue
        return frozenset(format_id(one) for one in self.journal.holds(known))
