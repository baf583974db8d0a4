"""What PostgreSQL says went wrong, in the words of OrderTrail's own tree of errors.

By SQLSTATE (PostgreSQL's manual, appendix A). A server that refuses a connection says it in words alone, which libpq
hands on; those are known in English, and any others are taken for what they mostly are: unavailable.
"""

import psycopg
from sqlalchemy import exc

from ordertrail.kernel.errors import ConfigurationError, EvidenceError, OrderTrailError, UnavailableError

_IN_THE_WAY = {"40001", "40P01", "55P03"}
"""Serialization failure, deadlock, lock not available: the transaction was undone, and may be done again."""

_UNIQUE = "23505"
_READ_ONLY = "25006"
_REFUSED = "23001"
_NO_RIGHT = "42501"
_MISSING = {"3F000", "42P01", "42703", "42883"}
"""Schema, table, column or function that is not there."""

_DAMAGED = {"XX001", "XX002"}
_NO_SUCH_DATABASE = "3D000"
_NOT_LET_IN = {"28000", "28P01"}
_UNAVAILABLE_CLASSES = {"08", "25", "53", "55", "57", "58"}
"""Connection, transaction state, resources, object state, operator intervention, the system beneath."""

_NOT_LET_IN_WORDS = (
    "password authentication failed", "no password supplied", "authentication failed", "no pg_hba.conf entry",
)  # fmt: skip
_TOO_MANY_WORDS = ("too many clients", "too many connections", "remaining connection slots")
_MEANING_ROLE = "Nothing was recorded, sealed or checked over this connection; what is recorded is untouched."


def driver_error(error: BaseException) -> psycopg.Error | None:
    """Return the driver's own error, however it is wrapped."""
    inner = error.orig if isinstance(error, exc.DBAPIError) else error
    return inner if isinstance(inner, psycopg.Error) else None


def was_in_the_way(error: psycopg.Error, *, racing: bool) -> bool:
    """Say whether another transaction was in the way: this one was undone, and may be done again."""
    return error.sqlstate in _IN_THE_WAY or (racing and error.sqlstate == _UNIQUE)


def is_constraint(error: psycopg.Error) -> bool:
    """Say whether a constraint refused a row, which is a story of its own."""
    return isinstance(error, psycopg.IntegrityError) and error.sqlstate != _REFUSED


def lost_connection(error: psycopg.Error) -> bool:
    """Say whether the server may not have said all that it had to say."""
    state = error.sqlstate or "08"
    return isinstance(error, psycopg.OperationalError) and state[:2] in {"08", "57", "25"}


def translated(error: psycopg.Error, name: str, *, committing: bool = False) -> OrderTrailError | None:
    """Return the error of our own tree that says the same; None where it is none that a user could meet.

    ``name`` is the database's, without any password; ``committing`` says that everything but the commit was done.
    """
    said = _said(error)
    refusal = _refusal(error, name, said)
    if refusal is not None:
        return refusal
    if error.sqlstate == _READ_ONLY:
        return UnavailableError(
            f"{name} is read-only: a standby, or a server that an administrator made read-only",
            meaning="It answers whoever reads; nothing is recorded or sealed there. Nothing was lost.",
            remedy="Name the primary in [database] url, or all servers with target_session_attrs=read-write.",
        )
    if error.sqlstate in _DAMAGED:
        return EvidenceError(f"the database {name} is damaged: {said}")
    if error.sqlstate == _REFUSED:
        return EvidenceError(
            f"the database {name} refuses: {said}",
            meaning="Something tried to change what is never changed; nothing was.",
        )
    if committing and lost_connection(error):
        return UnavailableError(
            f"the connection to {name} was lost while committing: {said}",
            meaning="Either all of it is recorded or nothing; sending the same again adds nothing twice.",
        )
    passing = (
        error.sqlstate is None or error.sqlstate[:2] in _UNAVAILABLE_CLASSES or error.sqlstate in _IN_THE_WAY
    )
    if passing and isinstance(error, psycopg.OperationalError | psycopg.InternalError):
        return UnavailableError(f"the database {name} cannot be used now: {said}")
    return None


def _refusal(error: psycopg.Error, name: str, said: str) -> OrderTrailError | None:
    """Return what to say where the server will refuse however often one tries, or has no room for one more."""
    state, words = error.sqlstate, said.lower()
    if state in _NOT_LET_IN or (state is None and _is_not_let_in(words)):
        return ConfigurationError(
            f"{name} does not let us in: {said}",
            meaning=_MEANING_ROLE,
            remedy="Correct user and password: [database] url, or its password file; see the server's pg_hba.conf.",
        )
    if state == _NO_SUCH_DATABASE or (state is None and "database" in words and "does not exist" in words):
        return ConfigurationError(
            f"{name} does not exist: {said}",
            meaning=_MEANING_ROLE,
            remedy="Correct [database] url, or create the database, and then the trail's schema in it.",
        )
    if state in _MISSING:
        return ConfigurationError(
            f"{name} does not have OrderTrail's tables as they must be: {said}",
            meaning=_MEANING_ROLE,
            remedy="Create the schema, or bring it up to date with 'ordertrail migrate'.",
        )
    if state == _NO_RIGHT:
        return ConfigurationError(
            f"{name} does not allow this role to do that: {said}",
            meaning="Nothing was changed. Roles are kept apart so that none can undo what another did.",
            remedy="Connect as the role for the job: its app records, its sealer seals, its auditor reads.",
        )
    if state == "53300" or (state is None and any(one in words for one in _TOO_MANY_WORDS)):
        return UnavailableError(
            f"{name} has no connection left: {said}",
            remedy="Try again; if it stays so, raise max_connections or put a pooler before the server.",
        )
    return None


def _is_not_let_in(words: str) -> bool:
    no_role = "role" in words and "does not exist" in words
    return no_role or any(one in words for one in _NOT_LET_IN_WORDS)


def _said(error: psycopg.Error) -> str:
    """Return what the server or libpq said, on one line. Neither ever repeats a password."""
    text = error.diag.message_primary or str(error) or type(error).__name__
    return " ".join(text.split())
