"""Bringing the schema of an older release up to date, while that release still runs.

Each version of the schema has up to two steps, ``ddl/<dialect>/<version>_pre.sql`` and ``…_post.sql``:

- **pre** adds what the new release needs, and takes nothing from the old one: it is taken before the new release
  is put in the old one's place, and both run on what it leaves.
- **post** removes what only the old release used: it is taken once no process of the old one is left.

A schema that is created today has all of it already (``schema.sql``); a test holds the two equal. Which steps were
taken is kept in the table ``schema_version`` on PostgreSQL. In a file of SQLite it is in the header, because the full
check of release 0.1.0 names every table that it does not know: ``PRAGMA user_version`` is 1,000 times the newest pre
plus the newest post, and 0 in files of that release. *If we stop* within a step, it was not taken: each is one
transaction.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

from ordertrail.kernel.errors import ConfigurationError

Phase = Literal["pre", "post"]

VERSION = 2
"""The schema's version in this release."""

_STEP = re.compile(r"(\d{4})_(pre|post)\.sql", re.ASCII)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a migration."""

    version: int
    phase: Phase
    sql: str

    def __str__(self) -> str:
        return f"{self.version:04} {self.phase}"


@dataclass(frozen=True, slots=True)
class Taken:
    """The versions up to which pre and post steps were taken."""

    pre: int
    post: int

    def then(self, step: Step) -> "Taken":
        """Return what is taken once this step is."""
        return Taken(step.version, self.post) if step.phase == "pre" else Taken(self.pre, step.version)


def steps_of(dialect: str) -> Sequence[Step]:
    """Return the steps of a dialect, a version after the other; a version without a file has nothing to do there."""
    folder = files("ordertrail.adapters.sql.ddl") / dialect
    found = {match[0]: folder / match[0] for one in folder.iterdir() if (match := _STEP.fullmatch(one.name))}
    return [
        Step(
            version, phase, found[name].read_text() if (name := f"{version:04}_{phase}.sql") in found else ""
        )
        for version in range(2, VERSION + 1)
        for phase in _PHASES
    ]


_PHASES: tuple[Phase, ...] = ("pre", "post")


def due(steps: Sequence[Step], taken: Taken, phase: Phase) -> Iterator[Step]:
    """Yield the steps of a phase that are to be taken. Raises ConfigurationError where post would come before pre."""
    for step in steps:
        if step.phase != phase or step.version <= getattr(taken, phase):
            continue
        if phase == "post" and step.version > taken.pre:
            raise ConfigurationError(
                f"step {step} of the migration would come before its pre step",
                meaning="Nothing was changed.",
                remedy="Run 'ordertrail migrate --phase pre', put this release in place, then migrate with post.",
            )
        yield step


def require_usable(name: str, taken: Taken, needed: int) -> None:
    """Raise ConfigurationError unless this release can work with a schema on which these steps were taken.

    ``needed`` is the oldest version whose pre step it cannot do without.
    """
    if taken.pre < needed:
        raise ConfigurationError(
            f"the schema of {name} is of version {taken.pre}, and this release needs version {needed}",
            meaning="Nothing was recorded or checked; what is recorded is untouched.",
            remedy="Run 'ordertrail migrate'; processes of the old release may go on meanwhile.",
        )
    if taken.post > VERSION:
        raise ConfigurationError(
            f"the schema of {name} is of version {taken.post}, and this release knows version {VERSION} at most",
            meaning="Nothing was recorded or checked; what is recorded is untouched.",
            remedy="Install the release that the schema was migrated for, or a newer one.",
        )
