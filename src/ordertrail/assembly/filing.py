"""The door of a trail that puts each event into the stream of its class."""

from ordertrail.monitor.governance import GOVERNANCE
from ordertrail.record.entry import read_entry
from ordertrail.retention.filing import FilingDoor
from ordertrail.retention.policy import Policy, parse_policy
from ordertrail.retention.register import DELETIONS, fold
from ordertrail.services import DEFAULT_STREAM, Trail

_AT_ONCE = 1_024


def filing_door(trail: Trail) -> FilingDoor:
    """Return what records each event in the stream of its class, as the policy that is in force then says."""
    doors = {name: one.recorder for name, one in trail.logs.items() if name not in {DELETIONS, GOVERNANCE}}
    return FilingDoor(doors, DEFAULT_STREAM, PolicyInForce(trail))


class PolicyInForce:
    """The retention policy in force, read again where the deletion log has grown; None where none ever was."""

    def __init__(self, trail: Trail) -> None:
        self._trail = trail
        self._size = 0
        self._policy: Policy | None = None

    def __call__(self) -> Policy | None:
        """Return it."""
        service = self._trail.logs.get(DELETIONS)
        if service is None:
            return None
        log = service.log
        size = log.store.head(DELETIONS).size
        for start in range(self._size, size, _AT_ONCE):
            rows = log.reader.rows(DELETIONS, start, min(start + _AT_ONCE, size))
            text = fold(read_entry(row.entry).event for row in rows).policy
            if text is not None:
                self._policy = parse_policy(text)
        self._size = size
        return self._policy
