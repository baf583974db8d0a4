"""Proofs that a server handed over, checked without it."""

from collections.abc import Sequence
from dataclasses import dataclass

from ordertrail.ledger.policy import Policy
from ordertrail.ledger.verify.offline import Checked, check_entry
from ordertrail.ledger.vkey import VerifierKey, parse_vkey
from ordertrail.web.api.models.log import ProofDocument


@dataclass(frozen=True, slots=True)
class Proven:
    """An entry and what proves it; nothing of it is believed before :meth:`check`."""

    document: ProofDocument

    @property
    def entry(self) -> bytes:
        """The entry's exact bytes, as they are hashed."""
        return self.document.entry.encode()

    @property
    def proof(self) -> bytes:
        """The C2SP tlog-proof: a file that others' verifiers read."""
        return self.document.proof.encode()

    def check(self, trust: Policy | Sequence[VerifierKey | str]) -> Checked:
        """Check it offline by the log's verifier keys, or a policy of witnesses, that you have from elsewhere.

        Raises EvidenceError where it proves nothing: to keys that came with the proof it would prove nothing either.
        """
        if isinstance(trust, Policy):
            return check_entry(self.proof, self.entry, trust)
        keys = [parse_vkey(one) if isinstance(one, str) else one for one in trust]
        return check_entry(self.proof, self.entry, keys)
