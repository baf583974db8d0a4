"""What a token says is wrong, in this project's words. No message ever holds a PIN."""

from types import ModuleType

from ordertrail.kernel.errors import ConfigurationError, OrderTrailError, UnavailableError

NOT_SEALED = "Nothing can be sealed without it; what was recorded waits in the journal."

PIN_SETTING = "signer.pin_file (or ORDERTRAIL_PIN)"


def require_pkcs11() -> ModuleType:
    """Return the package ``pkcs11``.

    :raises ConfigurationError: if it is not installed.
    """
    try:
        import pkcs11  # noqa: PLC0415 - an extra: only who has an HSM installs it
    except ImportError:
        raise ConfigurationError(
            "signer.kind is pkcs11, and the package for it is not installed",
            meaning=NOT_SEALED,
            remedy="Run: pip install 'ordertrail[pkcs11]'",
        ) from None
    return pkcs11


def refusal(label: str, code: str) -> OrderTrailError:
    """Say what a return code of the token means (PKCS #11 section 5.1)."""
    return _PIN_FAILURES.get(code, _other)(label, code)


def lost(label: str, reason: str) -> UnavailableError:
    """Say that the token went away and did not come back."""
    return UnavailableError(
        f"the token {label!r} does not answer: {reason}",
        meaning=NOT_SEALED,
        remedy="Put the token back or restart its service; sealing goes on by itself. If it is another token, "
        "correct signer.token.",
    )


def no_such_token(label: str, present: list[str]) -> ConfigurationError:
    """Say that there is no such token."""
    return ConfigurationError(
        f"signer.token: the module has no token {label!r}; it has {', '.join(map(repr, present)) or 'none'}",
        meaning=NOT_SEALED,
        remedy="Correct signer.token, or plug the token in; 'pkcs11-tool --list-token-slots' lists them.",
    )


def pin_refused(label: str, _code: str = "") -> OrderTrailError:
    """Say that the PIN is wrong."""
    return ConfigurationError(
        f"{PIN_SETTING}: the token {label!r} refused this PIN",
        meaning=f"{NOT_SEALED} This PIN is not tried again by this process: a token locks after a few wrong ones.",
        remedy="Correct the PIN and start again.",
    )


def pin_missing(label: str) -> OrderTrailError:
    """Say that there is no PIN."""
    return ConfigurationError(
        f"{PIN_SETTING}: the token {label!r} needs a PIN to sign, and none is set",
        meaning=NOT_SEALED,
        remedy="Put the PIN into a file that only the service can read, and name it in signer.pin_file.",
    )


def last_try(label: str) -> OrderTrailError:
    """Say that one more wrong PIN would lock the token."""
    return ConfigurationError(
        f"{PIN_SETTING}: the token {label!r} has one try at its PIN left, and OrderTrail does not take it",
        meaning=f"{NOT_SEALED} The token is not locked.",
        remedy="Log in once by hand with the right PIN ('pkcs11-tool --login --test'), correct the PIN, start again.",
    )


def pin_locked(label: str, _code: str = "") -> OrderTrailError:
    """Say that the token has locked its PIN."""
    return ConfigurationError(
        f"{PIN_SETTING}: the token {label!r} has locked its PIN after too many wrong ones",
        meaning=f"{NOT_SEALED} The keys in it are not lost.",
        remedy="Have its security officer set a new PIN ('pkcs11-tool --init-pin'), correct the PIN, start again.",
    )


def _not_initialized(label: str, _code: str) -> OrderTrailError:
    return ConfigurationError(
        f"signer.token: the token {label!r} has no user PIN yet",
        meaning=NOT_SEALED,
        remedy="Have its security officer set one ('pkcs11-tool --init-pin').",
    )


def _other(label: str, code: str) -> OrderTrailError:
    return ConfigurationError(
        f"the token {label!r} refused the operation: {code}",
        meaning=NOT_SEALED,
        remedy="Look the code up in the token's manual; its mechanisms or its policy may forbid what signing needs.",
    )


_PIN_FAILURES = {
    "PinIncorrect": pin_refused,
    "PinInvalid": pin_refused,
    "PinLenRange": pin_refused,
    "PinExpired": pin_refused,
    "PinLocked": pin_locked,
    "UserPinNotInitialized": _not_initialized,
}
