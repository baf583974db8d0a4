"""What can be wrong with a stamp, each with the setting that it names and what to do about it."""

from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Final

from ordertrail.kernel.errors import ConfigurationError, EvidenceError

NO_STAMP: Final = (
    "There is no stamp of this authority over the newest checkpoint yet. Recording and sealing go on, nothing is "
    "lost, and a later stamp covers what came before it."
)
THROWN_AWAY: Final = f"The answer was thrown away. {NO_STAMP}"
WORTHLESS: Final = (
    "This stamp shows no time. Entries and their proofs stand; what other stamps show stands too."
)


def require(package: str) -> ModuleType:
    """Import one of the packages that stamps need.

    :raises ConfigurationError: if it is not installed.
    """
    try:
        return import_module(package)
    except ImportError:
        raise ConfigurationError(
            f"timestamps: the package {package} for time-stamps is not installed",
            meaning=NO_STAMP,
            remedy="Run: pip install 'ordertrail[timestamps]'",
        ) from None


@dataclass(frozen=True, slots=True)
class Judge:
    """Refuses stamps of the authority ``name``: ``fresh`` ones that it just sent, or those that were kept."""

    name: str
    fresh: bool

    def refuse(self, told: str, remedy: str, setting: str = "url") -> EvidenceError:
        """Return the error for a stamp that is not good."""
        return EvidenceError(
            f"timestamps.{self.name}.{setting}: {'the answer' if self.fresh else 'the stamp'} {told}",
            meaning=THROWN_AWAY if self.fresh else WORTHLESS,
            remedy=remedy
            if self.fresh
            else f"{remedy} A kept stamp cannot be repaired: look for a copy of it, or rely on another.",
        )

    def malformed(self, told: str) -> EvidenceError:
        """It is no response, or one that no authority makes."""
        return self.refuse(f"is no good RFC 3161 response: {told}", "Ask the authority, or try another.")

    def not_granted(self, status: int) -> EvidenceError:
        """It is not a grant, although it was taken for one."""
        return self.refuse(f"is not granted (status {status})", "Ask the authority why it refuses.")

    def other_nonce(self) -> EvidenceError:
        """It answers another question."""
        return self.refuse(
            "has another nonce than the question: it is an old answer, or another question's",
            "Something between here and the authority replays answers, or the authority is broken: check the address.",
        )

    def other_data(self) -> EvidenceError:
        """It stamps something else."""
        return self.refuse(
            "stamps other bytes than these (wrong digest)",
            "The authority is broken or lies, or the file was altered or exchanged: check the address.",
        )

    def other_policy(self, found: str, expected: str) -> EvidenceError:
        """It is under another policy."""
        return self.refuse(
            f"is under the policy {found}, not {expected}",
            "Correct the policy, or ask the authority for the address that stamps under it.",
            "policy",
        )

    def other_purpose(self, told: str) -> EvidenceError:
        """Its certificate is not an authority's."""
        return self.refuse(
            f"is signed by a certificate that {told}",
            "A certificate must be for time-stamping and nothing else (RFC 3161 section 2.3): ask the authority.",
            "roots",
        )

    def expired(self, told: str) -> EvidenceError:
        """Its certificate was not valid at its time."""
        return self.refuse(
            f"is signed by a certificate that was not valid then: {told}",
            "The authority must renew its certificate, or correct its clock; use another authority until then.",
            "roots",
        )

    def untrusted(self, told: str) -> EvidenceError:
        """Its chain or its signature is not good."""
        return self.refuse(
            f"is not signed by a certificate that leads to one in this file: {told}",
            "If the authority has a new root, get it by a way that you trust, and add it to the file.",
            "roots",
        )
