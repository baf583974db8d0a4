"""What a filter may ask by name, and how its answer is told."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """A field of events: a column, or marks of a kind. ``phrase`` is a part of a sentence about its value."""

    column: str
    phrase: str
    mark: str | None = None
    about: str = ""
    """What it is, for people who choose a field."""
    of_order: bool = False
    """Whether it is told of the event's order as it stands now."""


FIELDS: Mapping[str, Field] = {
    "action": Field(
        "action", "of the kind {}", about="What was done: order.price.change, or order.* for a family."
    ),
    "outcome": Field("outcome", "that ended as {}", about="success, denied, failed or rolled_back."),
    "actor": Field("actor", "by {}", about="Who did it."),
    "kind": Field("actor_kind", "by a {}", about="person, service or system."),
    "behalf": Field("behalf", "on behalf of {}", about="For whom it was done."),
    "role": Field("", "by somebody who is {}", "role", "A role that the actor had."),
    "subject": Field("subject", "on {}", about="The id of what it happened to."),
    "thing": Field("subject_kind", "on an item that is {}", about="order, order_line, payment, …"),
    "order": Field("order", "on order {}", about="The order that it belongs to."),
    "state": Field(
        "status", "of an order that is now {}", about="Where its order stands now: cancelled.", of_order=True
    ),
    "tenant": Field("tenant", "of tenant {}", about="Whose order."),
    "channel": Field("channel", "in channel {}", about="Where it came from: backoffice, shopify."),
    "source": Field("source", "from {}", about="The system that captured it."),
    "ip": Field("ip", "from the address {}", about="IP address; 203.0.113.* for a network."),
    "request": Field("request", "in request {}", about="The request's id."),
    "trace": Field("trace", "in trace {}", about="The W3C trace."),
    "session": Field("session", "in session {}", about="The actor's session."),
    "ticket": Field("ticket", "for ticket {}", about="The ticket that asked for it."),
    "tag": Field("", "tagged {}", "tag", "A tag of it."),
    "link": Field("", "linked to {}", "link", "Its id in another system: a payment, a tracking number."),
    "system": Field("", "linked to the system {}", "system", "A system that it is linked to: stripe, ups."),
    "cause": Field("", "caused by {}", "cause", "The event, message or job that led to it."),
    "stream": Field("stream", "in stream {}", about="The log that it is in."),
    "id": Field("id", "with the id {}", about="The event's own id."),
}
"""By the name that people write before the colon."""
