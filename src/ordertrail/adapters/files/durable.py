"""Files that are there, whole, once a call returns: the few system calls that make it so."""

import errno
import fcntl
import os
import secrets
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ordertrail.kernel.errors import UnavailableError

# ioctl_iflags(2): requests to read and set a file's flags, and the immutable one.
_GET_FLAGS = 0x80086601
_SET_FLAGS = 0x40086602
_IMMUTABLE = 0x00000010
_FLAGS = struct.Struct("l")

PART = ".part-"
"""Begins the name of a file that is being written; a crash may leave one, and nobody ever reads it."""


@contextmanager
def translated(path: Path, doing: str) -> Iterator[None]:
    """Turn an operating system's error into UnavailableError: a full disk, a lost mount, missing rights."""
    try:
        yield
    except OSError as error:
        raise unavailable(path, doing, error) from error


def unavailable(path: Path, doing: str, error: OSError) -> UnavailableError:
    """Return the error to raise for an operating system's error."""
    return UnavailableError(
        f"{doing} {path} failed: {error.strerror or error}",
        remedy="Free space or mend the file system or its rights, then try again; nothing needs repair.",
    )


def write_part(folder: Path, data: bytes, mode: int) -> Path:
    """Write bytes to a new file in the folder, on disk when this returns; return its path."""
    part = folder / f"{PART}{secrets.token_hex(8)}"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    except BaseException:
        os.close(descriptor)
        part.unlink(missing_ok=True)
        raise
    os.close(descriptor)
    return part


def write_once(path: Path, data: bytes, mode: int = 0o444) -> bool:
    """Put a file in place by link(2), which never overwrites; say whether it is new.

    The caller compares an existing file, and makes the folder's entries durable with :func:`sync_folder`.
    """
    part = write_part(path.parent, data, mode)
    try:
        os.link(part, path)
    except FileExistsError:
        return False
    finally:
        part.unlink(missing_ok=True)
    return True


def replace(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Replace a file in one step; a reader sees the old or the new, whole."""
    part = write_part(path.parent, data, mode)
    try:
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def make_folder(path: Path) -> None:
    """Create a folder and its parents, on disk when this returns."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make a folder's entries durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append_line(path: Path, text: str) -> None:
    """Append whole lines to a file, on disk when this returns; a last line torn by a crash is ended first."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        data = (("\n" if torn else "") + text).encode()
        # In one call, so that lines of two processes never mix; a disk that fills up may take only a part.
        if os.write(descriptor, data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if size == 0:
        sync_folder(path.parent)  # the file is new, or was when a crash came between these two


def is_immutable(path: str | Path) -> bool:
    """Say whether the file carries the immutable flag."""
    try:
        return bool(_flags(path) & _IMMUTABLE)
    except OSError:
        return False


def make_immutable(path: Path) -> bool:
    """Set the immutable flag if file system and rights allow it; say whether it holds."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            flags = _FLAGS.unpack(fcntl.ioctl(descriptor, _GET_FLAGS, bytes(_FLAGS.size)))[0]
            fcntl.ioctl(descriptor, _SET_FLAGS, _FLAGS.pack(flags | _IMMUTABLE))
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno in {errno.EPERM, errno.EACCES, errno.ENOTTY, errno.EOPNOTSUPP, errno.EINVAL}:
            return False
        raise
    return True


def make_mutable(path: Path) -> None:
    """Take the immutable flag off. Raises OSError where rights do not allow it."""
    flags = _flags(path)
    if flags & _IMMUTABLE:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.ioctl(descriptor, _SET_FLAGS, _FLAGS.pack(flags & ~_IMMUTABLE))
        finally:
            os.close(descriptor)


def _flags(path: str | Path) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        flags: int = _FLAGS.unpack(fcntl.ioctl(descriptor, _GET_FLAGS, bytes(_FLAGS.size)))[0]
        return flags
    finally:
        os.close(descriptor)
