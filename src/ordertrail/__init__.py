"""OrderTrail: the tamper-evident audit trail of order management.

::

    import ordertrail
    from ordertrail.record.event import Actor, Event, Subject

    with ordertrail.open("trail") as trail:
        trail.record([event])
        trail.seal()
        print(trail.verify().verdict)

Importing this package imports nothing else: the offline verifier (``ordertrail.ledger``) runs with only
``cryptography`` installed.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike

    from ordertrail.services import Trail


def open(path: "str | PathLike[str]") -> "Trail":  # noqa: A001 - ordertrail.open reads as it should
    """Open the trail in a directory, made by ``ordertrail init`` or :func:`create`."""
    from pathlib import Path  # noqa: PLC0415 - the verifier must not pay for, or need, the rest

    from ordertrail.assembly import open_trail  # noqa: PLC0415 - as above

    return open_trail(Path(path))


def create(
    path: "str | PathLike[str]", origin: str, *, immutable: bool = True, keep_days: int | None = None
) -> "Trail":
    """Create a trail in a new directory; ``origin`` names its log in checkpoints.

    ``keep_days`` is for how many days published objects are kept at least; left out, seven years.

    ``immutable`` sets the immutable flag on kept objects where the system allows it (as root, on most Linux
    file systems): not even root can then delete the directory before ``chattr -R -i``.
    """
    from pathlib import Path  # noqa: PLC0415 - as above

    from ordertrail.assembly import KEEP_DAYS, create_trail  # noqa: PLC0415 - as above
    from ordertrail.settings import Settings  # noqa: PLC0415 - as above

    return create_trail(
        Path(path),
        origin,
        settings=Settings(immutable=immutable),
        keep_days=KEEP_DAYS if keep_days is None else keep_days,
    )
