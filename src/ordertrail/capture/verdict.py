"""Whether what somebody does is a business event, or is left out and counted, and by which rule."""

from ordertrail.capture.context import AUDIT, Frame
from ordertrail.capture.policy import Policy

UNATTENDED = "unattended"
SYSTEM = "system"
UNPRIVILEGED = "unprivileged"


def filtering_rule(policy: Policy, frame: Frame) -> str | None:
    """Return the rule by which what is done under this frame is left out, or None where it is recorded.

    ``unattended``: nobody was named; ``system``: the actor is the system itself; ``unprivileged``: the actor has none
    of the policy's privileged roles. The tag ``audit`` asks for any of it to be recorded.
    """
    if AUDIT in frame.context.tags:
        return None
    actor = frame.actor
    if actor is None or actor.kind == "system":
        if policy.unattended == "record":
            return None
        return UNATTENDED if actor is None else SYSTEM
    if policy.privileged is not None and not set(policy.privileged) & set(actor.roles):
        return UNPRIVILEGED
    return None
