"""What a sequencer that was overtaken is kept from, and how it is told."""

from ordertrail.kernel.errors import BusyError

APPENDING = 0x4F54
"""First key of the advisory lock (PostgreSQL's manual, "Advisory Locks") under which a log is appended to."""

SEALING = 0x4F53
"""First key of the advisory lock that the sealing process holds; the second is the stream's number."""


def taken_over(name: str, holder: str | None) -> BusyError:
    """Return the error of a process that lost the lock: to ``holder``, where one has taken it since."""
    lost = f"this process was sealing the log {name}, and lost the lock for it"
    return BusyError(
        f"{lost}: the session that held it has ended" if holder is None else f"{lost} to {holder}",
        meaning="Nothing is lost or doubled: what this process did not finish was not written; the other seals it.",
        remedy="Nothing, if the other is meant to seal; else stop it. The next call takes the log again.",
    )
