"""Checking what a bundle says was destroyed: certificate, order and root agree, and a gap is one that they explain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ordertrail.evidence import layout
from ordertrail.evidence.logs import CheckedLog
from ordertrail.evidence.manifest import OrderPart
from ordertrail.evidence.opening import Carried, OpenBundle, failing_at
from ordertrail.evidence.purges import Place, PurgeMember, parse_purge
from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.ledger.proofs import check_consistency, check_inclusion
from ordertrail.ledger.pruning import ACTION, MINIMUM, ROOT, SUBJECT
from ordertrail.ledger.verify.report import Step
from ordertrail.ledger.vkey import parse_base64
from ordertrail.record.event import Event
from ordertrail.retention.certificate import Certificate, certificate_of


@dataclass(frozen=True, slots=True)
class Destroyed:
    """A destruction of a log's beginning, as a bundle certifies it; ``stream`` is the log's, ``root`` 32 bytes."""

    stream: str
    certificate: Certificate
    place: Place
    root: bytes
    hashes: Sequence[bytes]

    @property
    def sentence(self) -> str:
        """What is proven of it."""
        one = self.certificate
        return (
            f"entries 0 to {one.minimum - 1:,} of {one.origin} were purged under certificate {one.id}, as "
            f"{one.requester} asked and {one.approver} approved: their root is the beginning of the checkpoint"
        )


def read_destroyed(bundle: OpenBundle) -> dict[str, Destroyed]:
    """Read the destructions of a bundle by their certificates' ids; the proofs in them are not looked at.

    :raises BrokenBundleError: where a member is not about two entries of the bundle that say the same.
    """
    with failing_at(Step.CONTENT):
        carried = {(one.stream, one.entry.ledger.index): one for one in bundle.entries}
        origins = {part.stream: part.origin for part in bundle.manifest.logs}
        found = {}
        for name in bundle.below("purges"):
            one = _read(name, parse_purge(bundle.members[name], name), carried, origins)
            found[one.certificate.id] = one
        return found


def _read(
    name: str,
    member: PurgeMember,
    carried: Mapping[tuple[str, int], Carried],
    origins: Mapping[str, str],
) -> Destroyed:
    certified = carried.get((member.certificate.stream, member.certificate.index))
    ordered = carried.get((member.order.stream, member.order.index))
    if certified is None or ordered is None or certified.stream == ordered.stream:
        raise InputError(f"{name} is of entries that the bundle does not hold, or of one log alone")
    event, order = certified.entry.event, ordered.entry.event
    certificate = certificate_of(event)
    origin = origins.get(ordered.stream, "")
    if (
        not _is(event, "disposal", certificate.id)
        or layout.purge_member(certificate.id) != name
        or (certificate.stream, certificate.origin) != (ordered.stream, origin)
    ):
        raise InputError(f"{name}: entry {member.certificate.index:,} does not certify it")
    said = {change.path: change.after for change in order.changes}
    if (
        not _is(order, SUBJECT, origin)
        or certificate.order != order.id
        or (said.get(MINIMUM), said.get(ROOT)) != (certificate.minimum, certificate.root)
        or not 0 < certificate.minimum <= member.order.index
    ):
        raise InputError(f"{name}: entry {member.order.index:,} does not order what is certified")
    hashes = [parse_base64(one) for one in member.consistency]
    return Destroyed(ordered.stream, certificate, member.certificate, _hash(certificate.root), hashes)


def _hash(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise InputError(f"{text[:80]!r} is no hash") from None


def _is(event: Event, kind: str, id_: str) -> bool:
    return (event.action, event.outcome, event.subject.kind, event.subject.id) == (
        ACTION,
        "success",
        kind,
        id_,
    )


def certifying(bundle: OpenBundle, destroyed: Mapping[str, Destroyed]) -> frozenset[str]:
    """Return the logs of a bundle that hold nothing but certificates which ``purges`` names."""
    places = {(one.place.stream, one.place.index) for one in destroyed.values()}
    others = {one.stream for one in bundle.entries if (one.stream, one.entry.ledger.index) not in places}
    return frozenset({stream for stream, _ in places} - others - {bundle.manifest.sealed_in})


def check_roots(destroyed: Mapping[str, Destroyed], logs: Mapping[str, CheckedLog]) -> None:
    """Check that what each certificate names is the beginning of its log's checkpoint.

    :raises EvidenceError: at the first that is not.
    """
    for one in destroyed.values():
        head = logs[one.stream].head
        check_consistency(one.certificate.minimum, one.root, head.size, head.root, one.hashes)


def check_before(told: OrderPart, previous: str, destroyed: Mapping[str, Destroyed], log: CheckedLog) -> str:
    """Check that a certificate explains why an order does not begin with its first event; return it in words.

    ``previous`` is the hash that the order's first event here follows, in hex. It is the leaf of an entry of the log,
    and that entry is in the range which went under the first certificate that covers it.

    :raises EvidenceError: where it is not.
    """
    before = told.before
    if before is None:
        raise EvidenceError(f"order {told.order} does not begin here, and nothing says why")
    own = [one for one in destroyed.values() if one.stream == told.stream]
    covering = [one for one in own if before.entry < one.certificate.minimum]
    first = min(covering, key=lambda one: one.certificate.minimum, default=None)
    if first is None or first.certificate.id != before.purge or before.number < 1:
        raise EvidenceError(f"order {told.order}: no certificate {before.purge} explains what is missing")
    hashes = [parse_base64(one) for one in before.hashes]
    check_inclusion(before.entry, log.head.size, _hash(previous), hashes, log.head.root)
    return f"order {told.order}: events 1 to {before.number:,} are purged under certificate {before.purge}, not missing"
