"""Who else holds the clock and the memory of a trail's head: time-stamp authorities and witnesses."""

from contextlib import suppress
from importlib import import_module
from pathlib import Path

from ordertrail.adapters.timestamps.rfc3161 import Authority, Rfc3161Timestamper
from ordertrail.adapters.witness.client import HttpWitnessClient
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.kernel.errors import ConfigurationError, InputError
from ordertrail.ledger.attestation import Attestors
from ordertrail.ledger.policy import Policy, parse_policy
from ordertrail.settings import Settings


def read_policy(root: Path, settings: Settings) -> Policy | None:
    """Read the policy of the witnesses, None where none is named. Raises ConfigurationError naming what is wrong."""
    if settings.witnesses.policy is None:
        return None
    try:
        return parse_policy(_read(root, "witnesses.policy", settings.witnesses.policy))
    except InputError as error:
        raise ConfigurationError(
            f"witnesses.policy: {settings.witnesses.policy}: {error.message}",
            meaning="No checkpoint is cosigned; recording and sealing are refused rather than done unseen.",
            remedy="Correct the policy (C2SP tlog-policy), or take the setting out.",
        ) from None


def timestampers(root: Path, settings: Settings, clock: Clock = utc_now) -> tuple[Rfc3161Timestamper, ...]:
    """Return the time-stamp authorities of the settings."""
    return tuple(
        Rfc3161Timestamper(
            Authority(
                one.name,
                one.url,
                _read(root, f"timestamps.{number}.roots", one.roots),
                one.policy,
                one.timeout_seconds,
            ),
            clock=clock,
        )
        for number, one in enumerate(settings.timestamps)
    )


def attestors(root: Path, settings: Settings) -> Attestors:
    """Return everyone who is asked about a checkpoint."""
    policy = read_policy(root, settings)
    witnesses = () if policy is None else policy.witnesses
    if witnesses or settings.timestamps:
        with suppress(
            ImportError
        ):  # whoever needs it says so; two threads that import it at once wait for ever
            import_module("httpx")
    return Attestors(
        timestampers(root, settings),
        policy,
        tuple(
            HttpWitnessClient(one.name, one.key, one.url, timeout=settings.witnesses.timeout_seconds)
            for one in witnesses
            if one.url is not None
        ),
    )


def _read(root: Path, setting: str, name: str) -> bytes:
    """Read a file that a setting names, looked for from the trail's directory."""
    try:
        return (root / name).read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{setting}: {root / name} cannot be read: {error.strerror}",
            remedy="Put the file there, or correct the setting.",
        ) from None
