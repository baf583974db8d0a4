"""Open Cybersecurity Schema Framework (OCSF) 1.5.0: which class an event is, and its attributes.

============================== ============================ =====================================================
what was done                  class                        why
============================== ============================ =====================================================
signing in and out             Authentication 3002          rules on guessed passwords look there
accounts and keys              Account Change 3001          the account is its ``user``
roles                          User Access Management 3005  who may do what, as ``privileges``
alerts, incidents, losses      Detection Finding 2004       they are findings, and are triaged as such
reading and exporting evidence Datastore Activity 6005      somebody reads the trail's own store
going past the application     Datastore Activity 6005      somebody writes to the application's own tables
channels' deliveries           API Activity 6003            another system calls ours
everything else                Entity Management 3004       something is created, read, changed or deleted
============================== ============================ =====================================================

``raw_data`` is the log's own canonical JSON of the entry, whose leaf hash a proof is of; sealed values in it stay
sealed. ``metadata.uid`` is the event's id: who gets it twice knows it. Times are milliseconds since 1970.

Source: https://schema.ocsf.io/1.5.0/
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import msgspec

from ordertrail.exporting.entry import Exported, Sender, address_of, agent_of
from ordertrail.query.projection import microseconds
from ordertrail.record.sentence import sentence

VERSION: Final = "1.5.0"
_OTHER: Final = 99


class Class(IntEnum):
    """A class of events, by its number; the first digit is its category's."""

    DETECTION = 2004
    ACCOUNT = 3001
    AUTHENTICATION = 3002
    ENTITY = 3004
    USER_ACCESS = 3005
    API = 6003
    DATASTORE = 6005


class Severity(IntEnum):
    """How bad it is."""

    INFORMATIONAL = 1
    MEDIUM = 3
    HIGH = 4


@dataclass(frozen=True, slots=True)
class Kind:
    """A class, and the activity in it."""

    of: Class
    activity: int = _OTHER


_EXACT: Final[Mapping[str, Kind]] = {
    "access.signin": Kind(Class.AUTHENTICATION, 1),
    "access.signin.fail": Kind(Class.AUTHENTICATION, 1),
    "access.signout": Kind(Class.AUTHENTICATION, 2),
    "access.account.add": Kind(Class.ACCOUNT, 1),
    "access.account.change": Kind(Class.ACCOUNT),
    "access.key.create": Kind(Class.ACCOUNT),
    "access.key.withdraw": Kind(Class.ACCOUNT),
    "access.role.change": Kind(Class.USER_ACCESS),
    "access.glass.break": Kind(Class.USER_ACCESS, 1),
    "alert.raise": Kind(Class.DETECTION, 1),
    "alert.change": Kind(Class.DETECTION, 2),
    "alert.close": Kind(Class.DETECTION, 3),
    "log.incident": Kind(Class.DETECTION, 1),
    "capture.loss": Kind(Class.DETECTION, 1),
    "reconcile.exception": Kind(Class.DETECTION, 1),
    "capture.bypass": Kind(Class.DATASTORE, 2),
    "capture.statement": Kind(Class.DATASTORE, 4),
    "evidence.search": Kind(Class.DATASTORE, 4),
    "evidence.read": Kind(Class.DATASTORE, 1),
    "evidence.prove": Kind(Class.DATASTORE, 1),
    "evidence.export": Kind(Class.DATASTORE, 1),
    "identity.reveal": Kind(Class.DATASTORE, 10),
    "integrity.check": Kind(Class.DATASTORE, 1),
    "intake.receive": Kind(Class.API, 1),
    "intake.refuse": Kind(Class.API, 1),
}
"""Actions that are of a class of their own."""

_BY_WORD: Final = {
    "create": 1, "add": 1, "place": 1, "open": 1, "record": 1, "issue": 1,
    "read": 2,
    "update": 3, "change": 3, "revert": 3, "approve": 3, "reject": 3, "confirm": 3, "submit": 3, "complete": 3,
    "delete": 4, "purge": 4, "erase": 4, "discard": 4,
    "hold": 12, "suspend": 12, "block": 12,
    "release": 13, "resume": 13, "unblock": 13,
}  # fmt: skip
"""Activities of Entity Management, by the last word of an action."""

_ACTORS: Final = {"person": 1, "service": 3, "system": 3}
_UNKNOWN: Final = "unknown"


def kind_of(action: str) -> Kind:
    """Return the class and activity of an action, one of a trail's own too."""
    found = _EXACT.get(action)
    if found is not None:
        return found
    return Kind(Class.ENTITY, _BY_WORD.get(action.rpartition(".")[2], _OTHER))


def ocsf(one: Exported, sender: Sender) -> str:
    """Return an entry as an event of OCSF."""
    kind = kind_of(one.event.action)
    told = _common(one, sender, kind) | _PARTS[kind.of](one, sender)
    if kind.activity == _OTHER:
        told["activity_name"] = sender.phrase(one.event)
    return msgspec.json.encode(told).decode()


def _common(one: Exported, sender: Sender, kind: Kind) -> dict[str, Any]:
    """Return what events of every class have."""
    event, context, place = one.event, one.context, one.sealed.place
    metadata: dict[str, Any] = {
        "version": VERSION,
        "uid": event.id,
        "event_code": event.action,
        "log_name": place.stream,
        "log_provider": sender.origin,
        "sequence": place.position,
        "logged_time": microseconds(place.recorded) // 1_000,
        "original_time": event.time,
        "product": {"name": "OrderTrail", "vendor_name": "OrderTrail", "version": sender.version},
    }
    if context.request is not None:
        metadata["correlation_uid"] = context.request
    if event.subject.tenant is not None:
        metadata["tenant_uid"] = event.subject.tenant
    told: dict[str, Any] = {
        "category_uid": kind.of // 1_000,
        "class_uid": int(kind.of),
        "activity_id": kind.activity,
        "type_uid": kind.of * 100 + kind.activity,
        "severity_id": int(_severity(one, sender, kind)),
        "time": microseconds(event.time) // 1_000,
        "message": sentence(event, sender.actions),
        "metadata": metadata,
        "raw_data": one.body.decode(),
    }
    unmapped = {"order": event.subject.order, "channel": context.channel, "reason": context.reason}
    if any(unmapped.values()):
        told["unmapped"] = {name: value for name, value in unmapped.items() if value}
    return told | ({} if kind.of is Class.DETECTION else _status(one))


def _severity(one: Exported, sender: Sender, kind: Kind) -> Severity:
    if kind.of is Class.DETECTION and kind.activity == 1:
        return Severity.HIGH
    return Severity.MEDIUM if sender.is_sensitive(one.event) else Severity.INFORMATIONAL


def _status(one: Exported) -> dict[str, Any]:
    if one.event.action in {"access.signin.fail", "intake.refuse"}:
        return {"status_id": 2}
    match one.event.outcome:
        case "success":
            return {"status_id": 1}
        case "rolled_back":
            return {"status_id": _OTHER, "status": "rolled back"}
        case outcome:
            return {"status_id": 2, "status_detail": outcome}


def _actor(one: Exported) -> dict[str, Any]:
    """Return who did it. Ids are opaque; names stay where they are sealed."""
    actor = one.event.actor
    told: dict[str, Any] = {"user": {"uid": actor.id, "type_id": _ACTORS[actor.kind]}}
    if actor.roles:
        told["user"]["groups"] = [{"name": role} for role in actor.roles]
    if actor.on_behalf_of is not None:
        told["invoked_by"] = actor.on_behalf_of
    if actor.session is not None:
        told["session"] = {"uid": actor.session}
    return told


def _from(one: Exported) -> dict[str, Any]:
    """Return where it came from: an address where it is known, else the system or the channel."""
    context = one.context
    address = address_of(context)
    told: dict[str, Any] = {"name": context.host or context.source or context.channel or _UNKNOWN}
    return {"ip": address, **told} if address is not None else told


def _asked(one: Exported) -> dict[str, Any]:
    """Return who did it, from where and with which program."""
    told: dict[str, Any] = {"actor": _actor(one), "src_endpoint": _from(one)}
    agent = agent_of(one.context)
    if agent is not None:
        told["http_request"] = {"user_agent": agent}
    return told


def _subject_user(one: Exported) -> dict[str, Any]:
    return {"uid": one.event.subject.id, "type_id": _ACTORS.get(one.event.subject.kind, 0)}


def _account(one: Exported, _sender: Sender) -> dict[str, Any]:
    return _asked(one) | {"user": _subject_user(one)}


def _user_access(one: Exported, _sender: Sender) -> dict[str, Any]:
    roles = next((change.after for change in one.event.changes if change.path == "/roles"), None)
    privileges = [str(role) for role in roles] if isinstance(roles, list) else [one.event.action]
    return _asked(one) | {"user": _subject_user(one), "privileges": privileges}


def _authentication(one: Exported, sender: Sender) -> dict[str, Any]:
    who = {"uid": one.event.actor.id, "type_id": _ACTORS[one.event.actor.kind]}
    return _asked(one) | {
        "user": who,
        "service": {"name": "OrderTrail", "uid": sender.origin},
        "is_remote": True,
    }


def _detection(one: Exported, sender: Sender) -> dict[str, Any]:
    subject = one.event.subject
    info = {"uid": subject.id, "title": f"{sender.phrase(one.event)} {subject.kind} {subject.id}"}
    return {
        "finding_info": info | {"created_time": microseconds(one.event.time) // 1_000},
        "evidences": [{"actor": _actor(one)}],
        "resources": [
            {"uid": subject.order or subject.id, "type": "order" if subject.order else subject.kind}
        ],
    }


def _api(one: Exported, _sender: Sender) -> dict[str, Any]:
    subject = one.event.subject
    told = {"api": {"operation": one.event.action}, "resources": [{"uid": subject.id, "type": subject.kind}]}
    return _asked(one) | told


def _datastore(one: Exported, sender: Sender) -> dict[str, Any]:
    subject = one.event.subject
    if one.event.action.startswith("capture."):
        return _asked(one) | {"table": {"name": subject.kind, "uid": subject.id}}
    database = {"name": "OrderTrail", "uid": sender.origin, "type_id": _OTHER, "type": "audit trail"}
    return _asked(one) | {"database": database}


def _entity(one: Exported, _sender: Sender) -> dict[str, Any]:
    subject = one.event.subject
    entity: dict[str, Any] = {"uid": subject.id, "type": subject.kind, "type_id": _OTHER}
    told: dict[str, Any] = _asked(one) | {"entity": entity}
    if one.context.reason:
        told["comment"] = one.context.reason
    return told


_PARTS: Final = {
    Class.DETECTION: _detection,
    Class.ACCOUNT: _account,
    Class.AUTHENTICATION: _authentication,
    Class.ENTITY: _entity,
    Class.USER_ACCESS: _user_access,
    Class.API: _api,
    Class.DATASTORE: _datastore,
}
