"""Being out of reach, on request: how a program behaves when a store is gone can be tried without one."""

from ordertrail.kernel.errors import UnavailableError


class Availability:
    """A switch beside a fake. While ``up`` is false, each use raises UnavailableError and changes nothing."""

    def __init__(self) -> None:
        self.up = True

    def require(self) -> None:
        """Raise UnavailableError where the switch is off."""
        if not self.up:
            raise UnavailableError("the store in memory is switched off")
