"""Several key rings as one: a log that was rotated from a key file to an HSM still needs both for that once.

Keys are looked up in the rings' order, so put first what costs nothing to ask: a ring that is asked in vain for
a key of another's should be a folder, not a token that counts wrong PINs.
"""

from collections.abc import Sequence
from typing import Protocol

from ordertrail.kernel.errors import ConfigurationError, UnavailableError
from ordertrail.ledger.ports import KeyRing
from ordertrail.ledger.signers import NoteSigner


class CheckedKeyRing(KeyRing, Protocol):
    """A key ring that also says how its keys are kept, for ``verify`` and ``status``.

    None of the three raises because of what the ring cannot reach, and none needs a secret.
    """

    def holds(self, vkey: str) -> bool:
        """Say whether this ring has the key, as far as it can see now."""
        ...

    def problems(self, vkey: str) -> list[str]:
        """Say what keeps this ring from signing as this key; nothing where it was never given any key."""
        ...

    def encrypted(self, vkey: str) -> bool:
        """Say whether this ring holds the key such that a copy of its store is worth nothing."""
        ...


class KeyRings:
    """Implements :class:`CheckedKeyRing` over ``rings``; new keys are made in ``creating``, one of them."""

    def __init__(self, rings: Sequence[CheckedKeyRing], creating: CheckedKeyRing) -> None:
        self._rings = tuple(rings)
        self._creating = creating
        self._found: dict[str, CheckedKeyRing] = {}

    def signer(self, vkey: str) -> NoteSigner:
        """See the port. Where no ring has the key, all say why, a ring that is set up wrongly first."""
        ring = self._ring_of(vkey)
        if ring is not None:
            return ring.signer(vkey)
        failures: list[UnavailableError | ConfigurationError] = []
        for ring in self._rings:
            try:
                return ring.signer(vkey)
            except (UnavailableError, ConfigurationError) as error:
                failures.append(error)
        failures.sort(key=lambda error: isinstance(error, UnavailableError))
        told = "; ".join(error.message for error in failures)
        raise type(failures[0])(told, meaning=failures[0].meaning, remedy=failures[0].remedy)

    def create(self, name: str) -> NoteSigner:
        """See the port."""
        return self._creating.create(name)

    def cosigners(self, name: str) -> Sequence[NoteSigner]:
        """See the port."""
        return [signer for ring in self._rings for signer in ring.cosigners(name)]

    def holds(self, vkey: str) -> bool:
        """Say whether one of the rings has the key."""
        return self._ring_of(vkey) is not None

    def problems(self, vkey: str) -> list[str]:
        """Say what keeps this trail from signing as this key.

        What the ring says that has it; where none has, what all say, but nothing where one cannot know.
        """
        ring = self._ring_of(vkey)
        if ring is not None:
            return ring.problems(vkey)
        told = [ring.problems(vkey) for ring in self._rings]
        return [problem for problems in told for problem in problems] if all(told) else []

    def encrypted(self, vkey: str) -> bool:
        """Say whether the ring that has this key keeps it such that a copy of its store is worth nothing."""
        ring = self._ring_of(vkey)
        return ring is not None and ring.encrypted(vkey)

    def _ring_of(self, vkey: str) -> CheckedKeyRing | None:
        """Return the ring that has a key; it is remembered, since a sequencer asks for its key at every batch."""
        if vkey not in self._found:
            ring = next((ring for ring in self._rings if ring.holds(vkey)), None)
            if ring is None:
                return None
            self._found[vkey] = ring
        return self._found[vkey]
