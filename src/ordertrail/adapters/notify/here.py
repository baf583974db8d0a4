"""Messages within the house: on the terminal of who runs it, and on the pages."""

from collections.abc import Callable

from ordertrail.kernel.errors import UnavailableError
from ordertrail.notify.parcel import Parcel


class Console:
    """Implements :class:`ordertrail.notify.ports.Channel`: writes a line a message."""

    def __init__(self, write: Callable[[str], None]) -> None:
        """``write`` writes whole lines."""
        self._write = write

    def send(self, parcel: Parcel) -> None:
        """See the port."""
        try:
            self._write(f"{parcel.title}\n{parcel.text}")
        except OSError as error:
            raise UnavailableError(f"the terminal cannot be written to: {error.strerror}") from error

    def close(self) -> None:
        """See the port."""


class Pages:
    """Implements :class:`ordertrail.notify.ports.Channel`: the delivery log itself is what people read there.

    So a parcel is handed over by being in it, which it is before this is asked.
    """

    def send(self, parcel: Parcel) -> None:
        """See the port."""

    def close(self) -> None:
        """See the port."""
