"""Who asks, of which trail, and what they may see of it: one value that every endpoint is handed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from fastapi import Depends, Request

from ordertrail.access.principal import Principal
from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import InputError
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.ports import Hit
from ordertrail.query.service import Query
from ordertrail.services import LogService, Trail
from ordertrail.web.api.models.problem import Fault, ProblemKind
from ordertrail.web.api.problems import RefusedError, unknown
from ordertrail.web.auth.admission import admit
from ordertrail.web.auth.observing import observe
from ordertrail.web.auth.scoping import scoped, sees_everything, sees_whole_tenants, within


@dataclass(frozen=True, slots=True)
class Asking:
    """A request of somebody who was let in.

    ``query`` answers with what they may see, whatever it is asked; ``whole`` is the trail's own, and ``bounds`` the
    filter that lies between the two.
    """

    request: Request
    who: Principal
    trail: Trail
    query: Query
    whole: Query
    bounds: Filter

    def meant(self, text: str, zone: str = "UTC", parameter: str = "q") -> Filter:
        """Read a filter as it was written. Refuses one that is wrong, naming the parameter."""
        try:
            meant = self.query.parse(text, zone)
            meant.fixed()
        except OverflowError:
            detail = "a time in it is beyond the calendar in this zone"
            raise RefusedError(
                ProblemKind.INPUT, detail, errors=[Fault(detail=detail, parameter=parameter)]
            ) from None
        except InputError as error:
            if any("time zone" in one.message for one in error.problems):
                parameter = "zone"
            raise RefusedError(
                ProblemKind.INPUT,
                error.message,
                remedy=error.remedy,
                errors=[Fault(detail=str(one), parameter=parameter) for one in error.problems],
            ) from None
        return meant

    @property
    def sees_everything(self) -> bool:
        """Whether nothing is kept from them: raw entries of a log may be of any tenant."""
        return sees_everything(self.who.scope)

    def require_whole_tenants(self) -> None:
        """Refuse who may see a part of a tenant only: what is kept by day is counted over all of it."""
        if not sees_whole_tenants(self.who.scope):
            raise RefusedError(
                ProblemKind.SCOPE,
                "this is counted over whole tenants, and you may see some of their channels or regions only",
                remedy="Search, count by facets or draw a histogram: those keep to what you may see.",
            )

    def hit(self, event_id: str) -> Hit:
        """Return an event of the index that may be seen. Refuses, as unknown, any other."""
        for hit in self.query.searches.find([event_id]):
            return hit
        raise unknown("event of this id")

    def log(self, stream: str) -> LogService:
        """Return a log by its name. Refuses one that is not there."""
        try:
            return self.trail.logs[stream]
        except KeyError:
            raise unknown("stream of this name") from None

    def observe(
        self,
        action: str,
        kind: str,
        subject: str,
        reason: str = "",
        details: Sequence[tuple[str, str | int]] = (),
    ) -> None:
        """Put on record that somebody reads evidence: a read that cannot be recorded does not happen."""
        observe(self.request, self.who, action, kind, subject, reason, details)

    def observe_order(
        self, order: str, tenant: str | None, what: str, details: Sequence[tuple[str, str | int]] = ()
    ) -> None:
        """Put on record that somebody reads of an order: it is an event of that order, and tells who saw it."""
        observe(
            self.request,
            self.who,
            "evidence.read",
            "order",
            order,
            what,
            details,
            order=order,
            tenant=tenant,
        )


@cache
def asking(verb: Verb) -> Any:
    """Return the dependency that lets in who may do this, and hands on :class:`Asking`."""
    admitted = Depends(admit(verb))

    def known(request: Request, who: Principal = admitted) -> Asking:
        services = request.app.state.services
        return Asking(
            request, who, services.trail, scoped(services.query, who), services.query, within(who.scope)
        )

    return Depends(known)
