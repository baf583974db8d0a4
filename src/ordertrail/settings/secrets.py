"""Secrets: from the files that settings name, or from the environment; never a setting's text."""

import os
from pathlib import Path
from typing import Final

from ordertrail.kernel.errors import ConfigurationError

PREFIX: Final = "ORDERTRAIL_"
"""What the names of environment variables begin with."""


def passphrase() -> bytes | None:
    """Return the passphrase of the private keys from the environment, or None where there is none."""
    return secret("PASSPHRASE", os.environ.get(f"{PREFIX}PASSPHRASE_FILE"), f"{PREFIX}PASSPHRASE_FILE")


def secret(name: str, file: str | None, setting: str) -> bytes | None:
    """Return a secret from the file that a setting names, else from the environment, else None.

    A line end after it is no part of it. Raises ConfigurationError naming the setting if the file cannot be read.
    """
    if file:
        try:
            return Path(file).read_bytes().rstrip(b"\r\n")
        except OSError as error:
            raise ConfigurationError(f"{setting}: {file}: {error.strerror}") from None
    value = os.environ.get(f"{PREFIX}{name}")
    return value.encode() if value else None
