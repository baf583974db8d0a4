"""Other people's services through Apprise: e-mail, Slack, Teams, PagerDuty, SMS and many more, one address a route.

An address is a URL of Apprise, and is a secret: it stands in a file, and no error shows any of it. What a service says
about a failure is not shown either, for it may repeat the address.
"""

import logging
from typing import Final

import apprise

from ordertrail.kernel.errors import ConfigurationError, UnavailableError
from ordertrail.notify.message import Severity
from ordertrail.notify.parcel import Parcel

_TYPES: Final = {
    Severity.CRITICAL: apprise.NotifyType.FAILURE,
    Severity.HIGH: apprise.NotifyType.WARNING,
    Severity.MEDIUM: apprise.NotifyType.WARNING,
}

logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its lines may show what is in an address


class AppriseService:
    """Implements :class:`ordertrail.notify.ports.Channel`."""

    def __init__(self, route: str, address: str, timeout: float) -> None:
        """Raise ConfigurationError for an address that Apprise does not know."""
        asset = apprise.AppriseAsset(app_id="OrderTrail", app_desc="OrderTrail", async_mode=False)
        service = apprise.Apprise.instantiate(
            _with_timeouts(address, timeout), asset=asset, suppress_exceptions=True
        )
        if service is None:
            raise ConfigurationError(
                f"route {route}: its file holds no address that Apprise knows",
                meaning="Nothing was sent.",
                remedy="Write one URL into it, as https://appriseit.com/services/ shows for the service.",
            )
        self._route = route
        self._service = apprise.Apprise(asset=asset)
        self._service.add(service)

    def send(self, parcel: Parcel) -> None:
        """See the port."""
        try:
            taken = self._service.notify(
                body=parcel.text,
                title=parcel.title,
                notify_type=_TYPES.get(parcel.severity, apprise.NotifyType.INFO),
                body_format=apprise.NotifyFormat.TEXT,
            )
        except Exception as error:  # noqa: BLE001 - whatever a service's part raises, the message waits
            raise self._unavailable(type(error).__name__) from None
        if not taken:
            raise self._unavailable("it did not take the message")

    def close(self) -> None:
        """See the port."""

    def _unavailable(self, reason: str) -> UnavailableError:
        return UnavailableError(
            f"the service of route {self._route} cannot be reached: {reason}",
            meaning="Nothing is lost: the message is handed over again.",
            remedy="Look at the service, and whether its address in the route's file is right.",
        )


def _with_timeouts(address: str, timeout: float) -> str:
    """Return an address that says how long Apprise waits to connect (``cto``) and to read (``rto``), unless it does."""
    missing = [f"{name}={timeout:g}" for name in ("cto", "rto") if f"{name}=" not in address]
    return "&".join([address + ("?" if "?" not in address and missing else ""), *missing]).replace("?&", "?")
