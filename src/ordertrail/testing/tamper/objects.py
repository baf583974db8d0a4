"""Tampering with what is published and kept: tiles, bundles, checkpoints, keys, terms, blobs, key files."""

import shutil
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random

from ordertrail.kernel.clock import format_time, parse_time
from ordertrail.kernel.errors import InputError
from ordertrail.ledger.tiles import BUNDLE, TILE_WIDTH, Tile, parse_path
from ordertrail.testing.tamper.copies import (
    flipped,
    overwrite,
    published,
    seeded,
    sizes,
    term_line,
    term_place,
)
from ordertrail.testing.tamper.where import LOG, Where

Apply = Callable[[Path, int], Where]
Pick = Callable[[Path], Sequence[str]]
"""Finds the files to choose from, relative to the trail directory."""


def tiles(lowest: int, highest: int, *, full: bool) -> Pick:
    """Find the tiles of these levels (``BUNDLE`` for bundles), the full ones or the partial ones."""

    def pick(trail: Path) -> Sequence[str]:
        found = {path: parse_path(path.removeprefix(LOG)) for path in published(trail, "tile")}
        return [
            path for path, tile in found.items() if lowest <= tile.level <= highest and tile.is_full is full
        ]

    return pick


def files(pattern: str) -> Pick:
    """Find files by a pattern below the trail directory."""
    return lambda trail: sorted(path.relative_to(trail).as_posix() for path in trail.glob(pattern))


def older_anchors(trail: Path) -> Sequence[str]:
    """Find all anchors but the newest."""
    return published(trail, "anchors")[:-1]


def newest_anchor(trail: Path) -> Sequence[str]:
    """Find the newest anchor."""
    return published(trail, "anchors")[-1:]


def kept(trail: Path) -> Sequence[str]:
    """Find every object of the log that has a term: all but the checkpoint and the keys."""
    return [path for path in published(trail) if "/" in path.removeprefix(LOG)]


def flip_file(pick: Pick, row: str | None = None) -> Apply:
    """Change one byte of one of these files; ``row`` is what the report calls them, if not by their path."""

    def apply(trail: Path, seed: int) -> Where:
        random = seeded(seed)
        path = _one(pick, trail, random)
        data, at = flipped((trail / path).read_bytes(), random)
        overwrite(trail / path, data)
        return Where(path, row, span=(at, at + 1))

    return apply


def of_blob(apply: Apply) -> Apply:
    """Do this to a blob; a report names it by its own name, not by its path."""

    def apply_to_blob(trail: Path, seed: int) -> Where:
        where = apply(trail, seed)
        return Where(where.path, f"blob {where.path.rpartition('/')[2]}", span=where.span)

    return apply_to_blob


def delete_file(pick: Pick) -> Apply:
    """Delete one of these files."""

    def apply(trail: Path, seed: int) -> Where:
        path = _one(pick, trail, seeded(seed))
        (trail / path).unlink()
        return Where(path)

    return apply


def truncate_file(pick: Pick) -> Apply:
    """Cut one of these files short, by a byte at least and to nothing at most."""

    def apply(trail: Path, seed: int) -> Where:
        random = seeded(seed)
        path = _one(pick, trail, random)
        data = (trail / path).read_bytes()
        length = random.randrange(len(data))
        overwrite(trail / path, data[:length])
        return Where(path, span=(length, len(data)))

    return apply


def swap_files(pick: Pick) -> Apply:
    """Let two of these files change contents."""

    def apply(trail: Path, seed: int) -> Where:
        random = seeded(seed)
        paths = pick(trail)
        if len(paths) < 2:
            raise LookupError("this trail has not two of these")
        one, other = sorted(random.sample(list(paths), 2))
        contents = (trail / one).read_bytes(), (trail / other).read_bytes()
        overwrite(trail / one, contents[1])
        overwrite(trail / other, contents[0])
        return Where(one)

    return apply


def make_writable(pick: Pick) -> Apply:
    """Let the owner of one of these files write it again."""

    def apply(trail: Path, seed: int) -> Where:
        path = _one(pick, trail, seeded(seed))
        (trail / path).chmod(0o644)
        return Where(path)

    return apply


def set_back(trail: Path, seed: int) -> Where:
    """Publish a kept checkpoint again that is older than the one before the newest."""
    anchors = published(trail, "anchors")[:-2]
    if not anchors:
        raise LookupError("this trail was anchored only twice")
    shutil.copyfile(trail / seeded(seed).choice(anchors), trail / LOG / "checkpoint")
    return Where(f"{LOG}checkpoint")


def stray_tile(trail: Path, seed: int) -> Where:
    """Publish a full tile beyond the log's end, kept as the others are."""
    random = seeded(seed)
    return _publish(trail, Tile(random.randrange(3), 900), random.randbytes(32 * TILE_WIDTH))


def stray_partial(trail: Path, seed: int) -> Where:
    """Publish a forged partial bundle within the log, of a width at which it was never anchored."""
    random = seeded(seed)
    there = {parse_path(path.removeprefix(LOG)) for path in published(trail, "tile")}
    widths = [width for width in range(1, TILE_WIDTH) if Tile(BUNDLE, 0, width) not in there]
    # An entry of no bytes, so that the bundle reads well up to there, and differs from its first byte on.
    return _publish(trail, Tile(BUNDLE, 0, random.choice(widths)), bytes(2))


def stray_file(trail: Path, seed: int) -> Where:
    """Leave a file among the tiles that is none."""
    path = f"{LOG}tile/0/{seeded(seed).randrange(1000):03d}.old"
    (trail / path).write_bytes(b"?")
    return Where(path)


def shorten_term(pick: Pick) -> Apply:
    """Write an earlier end into an object's line of terms, with the check digits that belong to it."""

    def apply(trail: Path, seed: int) -> Where:
        random = seeded(seed)
        path = _one(pick, trail, random)
        file, name = term_place(trail, path)
        lines = file.read_text().splitlines(keepends=True)
        for at, line in enumerate(lines):
            until, written, _ = line.split(" ")
            if written == name:
                shorter = parse_time(until) - timedelta(days=random.randrange(1, 2_000))
                lines[at] = term_line(format_time(shorter), name)
        file.write_text("".join(lines))
        return Where(path)

    return apply


def remove_term(pick: Pick) -> Apply:
    """Take an object's lines out of the terms."""

    def apply(trail: Path, seed: int) -> Where:
        path = _one(pick, trail, seeded(seed))
        file, name = term_place(trail, path)
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(line for line in lines if line.split(" ")[1] != name))
        return Where(path)

    return apply


def drop_newer_objects(trail: Path, size: int) -> None:
    """Take the published tree back to the size of an anchor, with its terms: as an older copy was."""
    for path in published(trail):
        if _is_newer(path.removeprefix(LOG), size):
            (trail / path).unlink()
    anchor = trail / LOG / "anchors" / f"{size:016d}"
    shutil.copyfile(anchor, trail / LOG / "checkpoint")
    for file in (trail / LOG).rglob(".terms"):
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(line for line in lines if (file.parent / line.split(" ")[1]).exists()))


def anchored_before_last(trail: Path, seed: int) -> int:
    """Choose a size at which the log was anchored, neither empty nor the newest."""
    candidates = [size for size in sizes(trail)[:-1] if size]
    if not candidates:
        raise LookupError("this trail was anchored only once")
    return seeded(seed).choice(candidates)


def _is_newer(path: str, size: int) -> bool:
    if path.startswith("anchors/"):
        return int(path.rpartition("/")[2]) > size
    try:
        return parse_path(path).end > size
    except InputError:
        return False


def _publish(trail: Path, tile: Tile, data: bytes) -> Where:
    path = f"{LOG}{tile.path}"
    target = trail / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    target.chmod(0o444)
    file, name = term_place(trail, path)
    with file.open("a") as terms:
        terms.write(term_line("2099-01-01T00:00:00.000000Z", name))
    return Where(path)


def _one(pick: Pick, trail: Path, random: Random) -> str:
    paths = pick(trail)
    if not paths:
        raise LookupError("this trail has none of these")
    return random.choice(paths)
