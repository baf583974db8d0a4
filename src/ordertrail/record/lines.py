"""JSON lines from a stream of bytes: one event a line, each with its place."""

from collections.abc import Iterable, Iterator

from ordertrail.kernel.errors import Problem
from ordertrail.record.parse import MAX_LINE
from ordertrail.record.recorder import Arriving


def split_lines(chunks: Iterable[bytes]) -> Iterator[Arriving]:
    """Yield every line that is not blank; a line too long to be an event is named and passed over.

    A last line without a newline counts: a file cut short shows there, as JSON that does not end.
    """
    number, held, skipping = 1, b"", False
    for chunk in chunks:
        *lines, rest = (held + chunk).split(b"\n")
        for line in lines:
            if skipping:
                skipping = False
            elif line.strip():
                yield f"line {number}", line
            number += 1
        if len(rest) > MAX_LINE:
            if not skipping:
                yield f"line {number}", (Problem("", f"longer than {MAX_LINE:,} bytes; passed over"),)
            rest, skipping = b"", True
        held = rest
    if held.strip() and not skipping:
        yield f"line {number}", held
