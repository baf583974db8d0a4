"""The bytes under a log: told apart by content, bounded, and read up to the damage."""

import gzip
import io
import os
import zlib
from pathlib import Path

import pytest
import zstandard

from eventlogs.small_logs import (
    CSV_MAPPING,
    XES_MAPPING,
    Translated,
    event,
    mapping_of,
    trace,
    translate,
    xes,
)
from ordertrail.adapters.eventlogs import open_event_log
from ordertrail.adapters.eventlogs.events import BrokenSourceError
from ordertrail.adapters.eventlogs.source import Limits, Source
from ordertrail.kernel.errors import InputError

MAPPING = mapping_of(XES_MAPPING)
LOG = xes(*(trace(f"o{number}", event(), event("Paid")) for number in range(2_000)))
NOISE = os.urandom(300_000)


def packed(content: bytes, packing: str) -> bytes:
    """Pack content, in two members or frames."""
    half = len(content) // 2
    if packing == "gzip":
        return gzip.compress(content[:half]) + gzip.compress(content[half:])
    if packing == "zstd":
        return zstandard.compress(content[:half]) + zstandard.compress(content[half:])
    return content


def stored(content: bytes, folder: Path) -> Source:
    """Write content to a file and make a source of it."""
    path = folder / "content"
    path.write_bytes(content)
    return Source(path)


@pytest.mark.parametrize("packing", ["plain", "gzip", "zstd"])
@pytest.mark.parametrize("content", [b"x", LOG, NOISE, b"\0" * 3_000_000])
def test_what_was_packed_is_unpacked(packing: str, content: bytes, tmp_path: Path) -> None:
    """Every packing gives the same bytes, members and frames joined, whatever the file is called."""
    source = stored(packed(content, packing), tmp_path)
    assert source.packing == packing
    assert b"".join(source.chunks()) == content
    assert source.head(1_000) == content[:1_000]


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
@pytest.mark.parametrize("cut", [1, 9, 100, 100_000])
def test_a_truncated_stream_gives_what_arrived_and_then_says_so(
    packing: str, cut: int, tmp_path: Path
) -> None:
    """The bytes before the cut come out; the error names the packing and the place."""
    data = packed(NOISE, packing)[:-cut]
    found, error = b"", None
    try:
        for piece in stored(data, tmp_path).chunks():
            found += piece
    except BrokenSourceError as broken:
        error = broken
    assert NOISE.startswith(found)
    assert len(found) > len(NOISE) - cut - 140_000
    assert error is not None
    assert error.position == f"byte {len(data)} of the file"
    assert error.message == f"the {packing} stream is cut short"


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_a_truncated_log_gives_its_whole_events_and_a_last_problem(packing: str, tmp_path: Path) -> None:
    """What a lost connection cut off is one problem behind all events that arrived."""
    data = packed(LOG, packing)
    result = translate(data[: len(data) * 3 // 4], MAPPING, tmp_path)
    assert len(result.records) > 1_900
    assert len(result.problems) == 1
    assert result.found[-1] is result.problems[0]
    assert f"the {packing} stream is cut short; the XML stops at line " in result.sentences[0]


def test_a_truncated_table_does_not_take_half_a_row_for_a_whole_one(tmp_path: Path) -> None:
    """The row at the cut is named, not translated."""
    rows = b"order,what,when,who,price\n" + b"o1,Placed,2026-11-22T14:02:10Z,anna,\n" * 3
    stream = zlib.compressobj(level=0, wbits=31)
    data = stream.compress(rows + b"o1,Placed,2026-11-22T14:02:1") + stream.flush(zlib.Z_FULL_FLUSH)
    result = translate(data, mapping_of(CSV_MAPPING), tmp_path)
    assert len(result.records) == 3
    assert "the table stops in line 5, which begins 'o1,Placed,2026-11-22T14:02:1'" in result.sentences[0]


def test_a_damaged_checksum_gives_the_content_first(tmp_path: Path) -> None:
    """A gzip whose last check fails is read to its end and then called damaged."""
    data = bytearray(gzip.compress(LOG))
    data[-6] ^= 1
    result = translate(bytes(data), MAPPING, tmp_path)
    assert len(result.records) == 4_000
    assert "the gzip stream is damaged" in result.sentences[0]


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_rubbish_behind_the_stream_is_a_problem(packing: str, tmp_path: Path) -> None:
    """What follows the last member is not passed over in silence; zero padding of gzip is."""
    result = translate(packed(LOG, packing) + b"rubbish", MAPPING, tmp_path)
    assert len(result.records) == 4_000
    assert len(result.problems) == 1
    assert translate(packed(LOG, "gzip") + b"\0" * 512, MAPPING, tmp_path).problems == []


@pytest.mark.parametrize("packing", ["plain", "gzip", "zstd"])
def test_a_bomb_stops_at_the_limit(packing: str, tmp_path: Path) -> None:
    """No more than the limit is unpacked, however little the file is."""
    path = tmp_path / "bomb"
    path.write_bytes(packed(LOG + b"<!--" + b" " * 20_000_000, packing))
    result = Translated(open_event_log(path, MAPPING, limits=Limits(unpacked=1 << 20)))
    assert len(result.records) == 4_000
    assert result.problems[0].position == "byte 1048576 unpacked"
    assert "unpacks to more than the limit of 1048576 bytes" in result.sentences[0]


def test_a_frame_that_wants_a_huge_window_is_refused(tmp_path: Path) -> None:
    """A zstd frame may not ask for more than 128 MiB of memory."""
    parameters = zstandard.ZstdCompressionParameters(window_log=30, enable_ldm=True)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(BrokenSourceError, match="zstd stream is damaged"):
        list(stored(packer.compress(NOISE) + packer.flush(), tmp_path).chunks())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"PK\x03\x04rest", "is packed with zip"),
        (b"BZh91AY", "is packed with bzip2"),
        (b"\xfd7zXZ\x00rest", "is packed with xz"),
        (b"", "holds nothing"),
        (b" \n ", "holds nothing"),
        (b"\x7fELF\0\0\0", "neither text nor a database"),
        ("order,what".encode("utf-16"), "is UTF-16; convert it to UTF-8 first"),
        (b"a,b\n", "the mapping 'tiny' is for xes"),
    ],
)
def test_what_is_no_log_is_refused_at_once(content: bytes, sentence: str, tmp_path: Path) -> None:
    """The error comes when the log is opened, before anything is recorded."""
    path = tmp_path / "log.xes"
    path.write_bytes(content)
    with pytest.raises(InputError, match=sentence):
        open_event_log(path, MAPPING)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    """Both are named."""
    with pytest.raises(InputError, match="there is no file"):
        open_event_log(tmp_path / "nothing", MAPPING)
    with pytest.raises(InputError, match="is not a file"):
        open_event_log(tmp_path, MAPPING)


def test_progress_goes_up_to_the_size_of_the_file(tmp_path: Path) -> None:
    """It counts the bytes of the file, packed as they are."""
    path = tmp_path / "log"
    path.write_bytes(packed(LOG, "plain"))
    seen: list[tuple[int, int]] = []
    list(open_event_log(path, MAPPING, lambda done, size: seen.append((done, size))))
    assert seen == sorted(seen)
    assert seen[-1] == (len(LOG), len(LOG))


def test_a_file_that_cannot_be_read_further_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails in the middle does not end the import with a traceback."""
    path = tmp_path / "log"
    path.write_bytes(LOG)
    source = Source(path)

    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise OSError(5, "Input/output error")
            return super().read(size)

    monkeypatch.setattr(Path, "open", lambda _path, _mode: Failing(LOG))
    with pytest.raises(BrokenSourceError, match="byte 65536 of the file: cannot be read: Input/output error"):
        list(source.chunks())
