"""Ways of tampering with a copy of a trail, each with what it touches: what the full check must find.

::

    copy = copy_trail(Path("trail"), Path("tampered"))
    where = TAMPERINGS["entry.flip"].apply(copy, seed=1)
    with open_trail(copy) as trail:
        report = trail.verify()
    assert report.first is not None and locates(report.first, where)

Not among them is what no check could tell from a crash: the checkpoint before the newest published again,
which a crash between keeping and publishing leaves, and which the next anchoring mends.
"""

from ordertrail.testing.tamper.catalogue import TAMPERINGS
from ordertrail.testing.tamper.copies import copy_trail
from ordertrail.testing.tamper.where import Copies, Tampering, Where, locates

__all__ = ["TAMPERINGS", "Copies", "Tampering", "Where", "copy_trail", "locates"]
