"""The registry of models of the trail in a directory, and the data that a model may say it has learned from."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ordertrail.assembly.filing import OWN
from ordertrail.assembly.governance import GovernancePayloads, open_governance
from ordertrail.assembly.stores import Stores, read_settings
from ordertrail.assembly.trail import open_trail
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.monitor.models.record import DataRange
from ordertrail.monitor.models.registry import Models
from ordertrail.status import published_checkpoint
from ordertrail.vault.keeping import KeptBlobs


@contextmanager
def open_models(root: Path, *, clock: Clock = utc_now) -> Iterator[Models]:
    """Open the registry of the trail in a directory; its log is begun with the first model.

    Raises ConfigurationError where there is no trail, UnavailableError where a store cannot be reached.
    """
    stores = Stores(root, read_settings(root), clock)
    with open_governance(root, clock) as log:
        yield Models(log, GovernancePayloads(log, KeptBlobs(stores.blobs(), log.keep_days, clock)), clock)


def data_ranges(root: Path, *, clock: Clock = utc_now) -> tuple[DataRange, ...]:
    """Return all that is published of the trail's streams of orders: what a model that is trained now learns from.

    What is sealed and not yet published is not in it: nobody outside could see that it was there.
    """
    with open_trail(root, clock=clock) as trail:
        found = []
        for name, service in trail.logs.items():
            checkpoint = published_checkpoint(service.log)[1]
            if name not in OWN and checkpoint.size:
                found.append(DataRange(name, 0, checkpoint.size, checkpoint.root.hex()))
    return tuple(found)
