"""Archiving: what is sealed goes into columns, and these into the write-once store; and back where they are lost.

1. **Columns** are made of what is published; each range is a node of the log's tree. *If we stop here*, they are there
   and are found.
2. **Vault**: the files of a range, its manifest last, locked for as long as its newest entry. *If we stop here*, what
   is there is put once more, and the same bytes change nothing.
3. **Event** in the deletion log, with each file's SHA-256. *If we stop here*, the range is archived again, as in 2.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from ordertrail.kernel.clock import format_time, parse_time
from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.ledger.entry import view_entry
from ordertrail.record.entry import read_entry
from ordertrail.record.event import Actor, Subject
from ordertrail.retention.archive import ARCHIVE, SUBJECT, Archived, ArchivedFile, archived_of
from ordertrail.retention.ports import Columns, KeptVault, PrunableLog, SealedRange
from ordertrail.retention.purging import rows_of
from ordertrail.retention.service import Retention
from ordertrail.vault.keeping import term_of


@dataclass(frozen=True, slots=True)
class Archiving:
    """The archive of a trail."""

    retention: Retention
    columns: Columns
    vault: KeptVault

    def run(self, actor: Actor, stream: str, reason: str) -> list[Archived]:
        """Archive what of a stream is sealed and not archived yet, by whole ranges; return what was."""
        if not reason.strip():
            raise InputError("why, must be told; it is put on record")
        log = self.retention.log(stream)
        known = [(one.start, one.end) for one in self.ranges(stream)]
        done = []
        for one in self.columns.seal(stream):
            if any(start <= one.start and one.end <= end for start, end in known):
                continue  # it was archived in parts, or as it is
            archived = self._keep(log, one)
            subject = Subject(SUBJECT, f"{stream}/{one.name}")
            self.retention.tell(ARCHIVE, actor, subject, reason, archived.changes())
            done.append(archived)
        return done

    def ranges(self, stream: str) -> list[Archived]:
        """Return what of a stream is in the archive now, by its beginning: what was destroyed since is not."""
        found = {
            one.name: one
            for one in self._told(stream)
            if self.vault.kept(f"{stream}/{one.name}/{one.files[-1].name}") is not None
        }
        return sorted(found.values(), key=lambda one: (one.start, -one.end))

    def check(self, stream: str) -> Iterator[str]:
        """Yield what is wrong with the archive of a stream: files that are gone, altered, or no longer locked."""
        for one in self.ranges(stream):
            for file in one.files:
                path = f"{stream}/{one.name}/{file.name}"
                data, kept = self.vault.get(path), self.vault.kept(path)
                if data is None or kept is None:
                    yield f"{path} is gone"
                elif sha256(data).hexdigest() != file.sha256:
                    yield f"{path} is not what was archived"
                elif kept.until is not None and kept.until < parse_time(one.until):
                    yield f"{path} is kept until {format_time(kept.until)}, and was to be until {one.until}"

    def restore(self, stream: str) -> list[Archived]:
        """Put back what of a stream's columns is lost, from the archive; return what was.

        Raises EvidenceError where a file is not what was archived, or the range is not in the published tree.
        """
        if (
            self.retention.log(stream).size()
            and next(rows_of(self.retention.log(stream), 0, 1), None) is None
        ):
            raise InputError(
                f"the beginning of {stream} was destroyed: its index answers alone, and reads no columns",
                meaning="The archive has what is in its term, and any reader of Parquet can read it there.",
            )
        there = {one.name for one in self.columns.sealed(stream)}
        back = []
        for one in self.ranges(stream):
            if one.name not in there:
                self.columns.put_back(stream, one.name, [self._fetch(one, file) for file in one.files])
                back.append(one)
        return back

    def _fetch(self, one: Archived, file: ArchivedFile) -> tuple[str, bytes]:
        path = f"{one.stream}/{one.name}/{file.name}"
        data = self.vault.get(path)
        if data is None or sha256(data).hexdigest() != file.sha256:
            raise EvidenceError(
                f"{path} is {'gone' if data is None else 'not what was archived'}",
                meaning="Nothing of it was put back; the log itself is untouched.",
                remedy="Make segments anew of the log with 'ordertrail segments build'.",
            )
        return file.name, data

    def _keep(self, log: PrunableLog, one: SealedRange) -> Archived:
        stream, until = log.identity.name, self._until(log, one)
        files = []
        for name in one.files:  # the manifest is the last: where it is, all are
            data = self.columns.read(stream, one.name, name)
            self.vault.put([(f"{stream}/{one.name}/{name}", data)], until)
            files.append(ArchivedFile(name, len(data), sha256(data).hexdigest()))
        return Archived(stream, one.name, one.start, one.end, one.root, format_time(until), tuple(files))

    @staticmethod
    def _until(log: PrunableLog, one: SealedRange) -> datetime:
        """Return until when a range is locked: as long as its newest entry is in the log's own vault."""
        recorded = max(view_entry(row.entry).ledger.recorded for row in rows_of(log, one.start, one.end))
        return parse_time(recorded) + term_of(log.identity.keep_days)

    def _told(self, stream: str) -> Iterator[Archived]:
        for row in rows_of(self.retention.deletions):
            if ARCHIVE.encode() in row.entry:
                event = read_entry(row.entry).event
                if event.action == ARCHIVE and event.subject.id.rpartition("/")[0] == stream:
                    yield archived_of(event)
