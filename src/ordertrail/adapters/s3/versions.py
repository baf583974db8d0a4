"""The versions of a bucket's keys, as ListObjectVersions lists them.

A listing gives keys in order, and of each key its newest version first, versions and delete markers in two
lists side by side. The oldest version of a key is what was kept there first; whatever was put over it later
hides it from whoever reads by name, and changes nothing about it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a key: its id, its length in bytes, and its entity tag."""

    id: str
    length: int
    etag: str


@dataclass(frozen=True, slots=True)
class History:
    """A key's versions, oldest first; ``hidden`` where a delete marker is the newest of all.

    A key may have no version and still be listed: its delete marker was left when its versions were erased.
    """

    key: str
    versions: tuple[Version, ...]
    hidden: bool
    markers: tuple[str, ...] = ()
    """The ids of its delete markers."""

    @property
    def first(self) -> Version | None:
        """The version that was kept first."""
        return self.versions[0] if self.versions else None

    @property
    def newest(self) -> Version | None:
        """The version that was put last, under a delete marker or not."""
        return self.versions[-1] if self.versions else None


def histories(ask: Callable[..., dict[str, Any]]) -> Iterator[History]:
    """Yield the history of each key of a listing; ``ask`` gets one page of it, from where it is told."""
    begun: dict[str, tuple[list[Version], list[tuple[str, bool]]]] = {}
    place: dict[str, str] = {}
    while True:
        page = ask(**place)
        for one in page.get("Versions", ()):
            versions, _ = begun.setdefault(one["Key"], ([], []))
            versions.append(Version(str(one.get("VersionId") or "null"), one["Size"], one["ETag"]))
        for marker in page.get("DeleteMarkers", ()):
            begun.setdefault(marker["Key"], ([], []))[1].append(
                (str(marker.get("VersionId") or "null"), marker["IsLatest"])
            )
        more = page.get("IsTruncated", False)
        # The last key of a page may go on in the next one.
        last = page.get("NextKeyMarker") if more else None
        for key in sorted(begun):
            if key != last:
                versions, markers = begun.pop(key)
                hidden = any(latest for _, latest in markers)
                yield History(key, tuple(reversed(versions)), hidden, tuple(one for one, _ in markers))
        if not more:
            return
        place = {"KeyMarker": page["NextKeyMarker"]}
        if page.get("NextVersionIdMarker"):
            place["VersionIdMarker"] = page["NextVersionIdMarker"]
