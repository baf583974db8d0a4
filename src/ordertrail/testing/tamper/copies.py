"""Copies of trails to tamper with, and the tools that an administrator who tampers has.

Whoever has the machine can drop a trigger and put it back, make a file writable and read-only again, and
write a term's line with its check digits. So do these tools: what they leave behind differs from an
untouched trail by the tampering alone, and never by the traces of a clumsy hand.
"""

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random

DATABASE = "ordertrail.db"
TERMS = ".terms"

_TRIGGERS = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name"


def copy_trail(source: Path, target: Path) -> Path:
    """Copy a trail that nobody has open, to be tampered with; return the copy.

    The immutable flag stays behind, because copying does not take it along, and the copy's settings keep it
    from being set again; folders become writable, so that the copy can be changed and thrown away. Objects
    stay read-only: that they are is evidence.
    """
    shutil.copytree(source, target)
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
        folder.chmod(folder.stat().st_mode | 0o700)
    settings = target / "trail.toml"
    settings.write_text(settings.read_text().replace("immutable = true", "immutable = false"))
    return target


@contextmanager
def unguarded(trail: Path, *, restore: bool = True) -> Iterator[sqlite3.Connection]:
    """Open the database with its triggers dropped and CHECKs off; put the triggers back at the end."""
    with closing(sqlite3.connect(trail / DATABASE, isolation_level=None)) as database:
        database.execute("PRAGMA ignore_check_constraints=ON")
        database.execute("PRAGMA synchronous=OFF")  # whoever tampers does not fear a crash
        triggers = database.execute(_TRIGGERS).fetchall()
        database.execute("BEGIN IMMEDIATE")
        for name, _ in triggers:
            database.execute(f"DROP TRIGGER {name}")
        yield database
        for _, sql in triggers if restore else ():
            database.execute(sql)
        database.execute("COMMIT")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def replace_database(trail: Path, other: Path) -> None:
    """Put another trail's database file in the place of this one's."""
    for suffix in ("", "-wal", "-shm"):
        (trail / f"{DATABASE}{suffix}").unlink(missing_ok=True)
    shutil.copy2(other / DATABASE, trail / DATABASE)


def overwrite(path: Path, data: bytes) -> None:
    """Write a file that is read-only, and leave it read-only."""
    mode = path.stat().st_mode
    path.chmod(mode | 0o200)
    path.write_bytes(data)
    path.chmod(mode)


def seeded(seed: int) -> Random:
    """Return pseudo-random numbers: the same seed must touch the same byte again."""
    return Random(seed)  # noqa: S311 - repeatable on purpose, and no secret


def flipped(data: bytes, random: Random) -> tuple[bytes, int]:
    """Return the bytes with one of them changed, and which."""
    at = random.randrange(len(data))
    changed = bytearray(data)
    changed[at] ^= random.randrange(1, 256)
    return bytes(changed), at


def published(trail: Path, folder: str = "") -> list[str]:
    """Return the paths of the log's published objects below a folder of ``log``, relative to the trail."""
    found = (path for path in (trail / "log" / folder).rglob("*") if path.is_file() and path.name != TERMS)
    return sorted(path.relative_to(trail).as_posix() for path in found)


def sizes(trail: Path) -> list[int]:
    """Return the sizes at which the log was anchored, smallest first."""
    return [int(path.rpartition("/")[2]) for path in published(trail, "anchors")]


def term_place(trail: Path, path: str) -> tuple[Path, str]:
    """Return the file that holds an object's term, and the object's name in it."""
    target = trail / path
    if target.parent.suffix == ".p":
        return target.parent.parent / TERMS, f"{target.parent.name}/{target.name}"
    return target.parent / TERMS, target.name


def term_line(until: str, name: str) -> str:
    """Write a line of terms with the check digits that belong to it."""
    term = f"{until} {name}"
    return f"{term} {hashlib.sha256(term.encode()).hexdigest()[:8]}\n"
