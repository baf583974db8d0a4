"""A PKCS #11 module in this process: loaded once, and begun anew after a fork or when its tokens change.

A module is a shared library, and Cryptoki's state is the process's (PKCS #11 section 5.4): one initialization,
one login per token, whoever calls. So modules are kept in a table of the process, each with its lock, and each
token's one session with it.

- **Fork.** A child must initialize anew before anything else (section 5.4 on ``C_Initialize``); its first use does.
- **Tokens that come and go.** Many modules look for tokens only when they are initialized. So a token that is not
  found is looked for once more after a restart. A restart ends all sessions; they are opened again at their next use.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock, RLock
from typing import TYPE_CHECKING, Final, TypeVar

from ordertrail.adapters.pkcs11.failures import (
    NOT_SEALED,
    last_try,
    lost,
    no_such_token,
    pin_refused,
    refusal,
    require_pkcs11,
)
from ordertrail.kernel.errors import ConfigurationError, OrderTrailError

if TYPE_CHECKING:
    from pkcs11 import Session, Token
    from pkcs11._pkcs11 import lib


T = TypeVar("T")

#: Return codes (PKCS #11 section 5.1) after which a new session may succeed; the vague ones are among them.
_LOST: Final = frozenset(
    {
        "DeviceError", "DeviceRemoved", "FunctionFailed", "GeneralError", "KeyHandleInvalid",
        "ObjectHandleInvalid", "OperationActive", "SessionClosed", "SessionHandleInvalid", "SlotIDInvalid",
        "TokenNotPresent", "TokenNotRecognised", "UserNotLoggedIn",
    }
)  # fmt: skip


class _LostError(Exception):
    """The session, the token or the module went away under us: worth one more try from the beginning."""


@dataclass(frozen=True, slots=True)
class _Login:
    """A token's session, and a digest of the PIN that opened it: None where there was none."""

    session: "Session"
    pin: bytes | None


class Module:
    """A loaded module. Its methods are called with ``lock`` held; :func:`open_module` gives it out."""

    def __init__(self, path: Path) -> None:
        self.lock = RLock()
        self._path = path
        self._library: lib | None = None
        self._stale = False
        self._logins: dict[str, _Login] = {}
        self._refused: set[tuple[str, bytes]] = set()
        self._seen: set[str] = set()

    def forked(self) -> None:
        """Forget what belongs to the parent process: its lock, which a thread may hold, and its sessions."""
        self.lock = RLock()
        self._logins.clear()
        self._stale = True

    def restart(self) -> None:
        """Initialize anew at the next use; all sessions end."""
        self._logins.clear()
        self._stale = True

    def run(self, label: str, pin: bytes | None, work: "Callable[[Session], T]") -> T:
        """Do something in the session with a token; if that was lost, once more in a new one.

        :raises UnavailableError: if the token is gone, and stays so.
        :raises ConfigurationError: if the module, the token or the PIN is not right, or the token refuses.
        """
        try:
            return self._once(label, pin, work)
        except _LostError:
            self.restart()
        try:
            return self._once(label, pin, work)
        except _LostError as error:
            raise lost(label, str(error)) from None

    def _once(self, label: str, pin: bytes | None, work: "Callable[[Session], T]") -> T:
        session = self.session(label, pin)
        with _translated(label):
            return work(session)

    def session(self, label: str, pin: bytes | None) -> "Session":
        """Return the session with a token, logged in where there is a PIN.

        :raises UnavailableError: if a token that was there is gone.
        :raises ConfigurationError: if the module, the token or the PIN is not right.
        """
        digest = None if pin is None else sha256(pin).digest()
        if digest is not None and (label, digest) in self._refused:
            raise pin_refused(label)
        login = self._logins.get(label)
        if login is not None and digest is not None and login.pin != digest:
            # Who is logged in already is not asked for a PIN. Begin anew, so that the token judges this one.
            self.restart()
            login = None
        if login is None:
            login = self._logins[label] = _Login(self._open(label, pin, digest), digest)
        return login.session

    def present(self, label: str) -> bool:
        """Say whether there is such a token."""
        try:
            self.token(label)
        except (OrderTrailError, _LostError):
            return False
        return True

    def token(self, label: str) -> "Token":
        """Find a token; where it is not there, once more after a restart."""
        found, present = self._find(label)
        if not found:
            self.restart()
            found, present = self._find(label)
        if not found:
            raise lost(label, "it was removed") if label in self._seen else no_such_token(label, present)
        if len(found) > 1:
            raise ConfigurationError(
                f"signer.token: the module has {len(found)} tokens {label!r}",
                meaning=NOT_SEALED,
                remedy="Give each token a label of its own.",
            )
        self._seen.add(label)
        return found[0]

    def _find(self, label: str) -> "tuple[list[Token], list[str]]":
        tokens = []
        with _translated(label):
            slots = self._initialized().get_slots(token_present=True)
        for slot in slots:
            # One that has failed must not hide the others.
            with suppress(require_pkcs11().exceptions.PKCS11Error):
                tokens.append(slot.get_token())
        return [token for token in tokens if token.label == label], [
            token.label for token in tokens if token.label
        ]

    def _open(self, label: str, pin: bytes | None, digest: bytes | None) -> "Session":
        flags, exceptions = require_pkcs11().TokenFlag, require_pkcs11().exceptions
        token = self.token(label)
        if digest is None or pin is None:
            with _translated(label):
                return token.open()
        if flags.USER_PIN_FINAL_TRY in token.flags:
            raise last_try(label)
        with _translated(label):
            try:
                return token.open(rw=True, user_pin=_text(label, pin))
            except exceptions.UserAlreadyLoggedIn:
                return token.open(rw=True)
            except (
                exceptions.PinExpired,
                exceptions.PinIncorrect,
                exceptions.PinInvalid,
                exceptions.PinLenRange,
                exceptions.PinLocked,
            ):
                self._refused.add((label, digest))
                raise

    def _initialized(self) -> "lib":
        """Return the library, loaded and initialized in this process."""
        pkcs11 = require_pkcs11()
        try:
            if self._library is None:
                self._library = pkcs11.lib(str(self._path))
            elif self._stale:
                # In a forked child, or after the token's service ended, there may be nothing to finalize.
                with suppress(pkcs11.exceptions.PKCS11Error):
                    self._library.finalize()
                with suppress(pkcs11.exceptions.PKCS11Error):
                    self._library.initialize()
            self._stale = False
        except pkcs11.exceptions.PKCS11Error as error:
            raise ConfigurationError(
                f"signer.module: {self._path} does not work as a PKCS #11 module: {error or type(error).__name__}",
                meaning=NOT_SEALED,
                remedy="Correct signer.module; a module is a library such as /usr/lib/softhsm/libsofthsm2.so.",
            ) from None
        return self._library


@contextmanager
def _translated(label: str) -> Iterator[None]:
    """Turn a token's errors into ours, and those that a new session may cure into _LostError."""
    try:
        yield
    except require_pkcs11().exceptions.PKCS11Error as error:
        code = type(error).__name__
        # The package has no class of its own for "not initialized".
        if code in _LOST or "not initialized" in str(error):
            raise _LostError(code) from None
        raise refusal(label, code) from None


_modules: dict[Path, Module] = {}
_guard = Lock()


@contextmanager
def open_module(path: Path) -> Iterator[Module]:
    """Hold the process's one instance of a module."""
    with _guard:
        module = _modules.setdefault(path, Module(path))
    with module.lock:
        yield module


def _after_fork() -> None:
    # As one would find it at the start: a thread of the parent may have held either lock.
    global _guard  # noqa: PLW0603 - a lock of the parent cannot be released in the child, only replaced
    _guard = Lock()
    for module in _modules.values():
        module.forked()


os.register_at_fork(after_in_child=_after_fork)


def _text(label: str, pin: bytes) -> str:
    try:
        return pin.decode()
    except UnicodeDecodeError:
        raise pin_refused(label) from None
