"""A trail's settings: ``trail.toml`` in its directory, read strictly.

::

    version = 1
    immutable = true          # set the immutable flag on kept objects where the system allows it
    post_quantum = false      # add ML-DSA-44 signatures to published checkpoints

    [actions]                 # the trail's own actions, beside the catalogue
    "order.gift.wrap" = "wrapped as a gift"
    "order.vip.flag" = { phrase = "flagged as VIP", sensitive = true }
"""

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ordertrail.kernel.errors import ConfigurationError, InputError, Problem
from ordertrail.record.actions import Action, Catalogue

SETTINGS = "trail.toml"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Settings:
    """What a trail's owner may choose."""

    immutable: bool = True
    post_quantum: bool = False
    actions: Catalogue = field(default_factory=Catalogue)


def format_settings(settings: Settings) -> str:
    """Write the settings file of a new trail."""
    return (
        f"version = {VERSION}\n"
        f"immutable = {str(settings.immutable).lower()}\n"
        f"post_quantum = {str(settings.post_quantum).lower()}\n\n"
        "[actions]\n"
    )


def parse_settings(text: str) -> Settings:
    """Read a settings file. Raises ConfigurationError naming everything that is wrong with it."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{SETTINGS} is not TOML: {error}") from None
    problems = [
        Problem(name, f"is not a setting; the settings are {', '.join(_TYPES)}")
        for name in data
        if name not in _TYPES
    ]
    problems += [
        Problem(name, f"must be {expected.__name__}, not {data[name]!r}")
        for name, expected in _TYPES.items()
        if name in data and type(data[name]) is not expected
    ]
    if not problems and data.get("version") != VERSION:
        problems.append(Problem("version", f"must be {VERSION}; a newer OrderTrail may be needed"))
    if problems:
        raise ConfigurationError(f"{SETTINGS}: " + "; ".join(map(str, problems)))
    try:
        actions = Catalogue(_action(name, value) for name, value in data.get("actions", {}).items())
    except InputError as error:
        raise ConfigurationError(f"{SETTINGS}: {error}") from None
    return Settings(data.get("immutable", True), data.get("post_quantum", False), actions)


_TYPES: dict[str, type] = {"version": int, "immutable": bool, "post_quantum": bool, "actions": dict}


def _action(name: str, value: Any) -> Action:
    match value:
        case str():
            return Action(name, value)
        case {"phrase": str(phrase), **rest} if rest.keys() <= {"sensitive"}:
            return Action(name, phrase, bool(rest.get("sensitive", False)))
    raise InputError(Problem(f"actions.{name}", "is a phrase, or a table of phrase and sensitive"))


def passphrase() -> bytes | None:
    """Return the passphrase of the private keys from the environment, or None where there is none."""
    file = os.environ.get("ORDERTRAIL_PASSPHRASE_FILE")
    if file:
        try:
            return Path(file).read_bytes().rstrip(b"\r\n")
        except OSError as error:
            raise ConfigurationError(f"ORDERTRAIL_PASSPHRASE_FILE: {file}: {error.strerror}") from None
    value = os.environ.get("ORDERTRAIL_PASSPHRASE")
    return value.encode() if value else None
