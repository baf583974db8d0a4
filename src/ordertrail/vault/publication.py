"""What a published checkpoint must never do: move back."""

from ordertrail.kernel.errors import ForkError, OrderTrailError
from ordertrail.ledger.checkpoint import read_checkpoint


def refuse_setback(published: bytes | None, checkpoint: bytes) -> None:
    """Raise ForkError if a checkpoint of the same log has fewer entries than the one published now.

    What is no checkpoint is not judged: whoever reads it finds that out.
    """
    known, new = (_origin_and_size(note) for note in (published, checkpoint))
    if known is not None and new is not None and known[0] == new[0] and new[1] < known[1]:
        raise ForkError(
            f"a checkpoint of {new[1]:,} entries was to replace the published one of {known[1]:,}",
            meaning="Another sequencer is ahead, or this one runs on an older copy; nothing was replaced.",
        )


def _origin_and_size(note: bytes | None) -> tuple[str, int] | None:
    if note is None:
        return None
    try:
        checkpoint = read_checkpoint(note)
    except OrderTrailError:
        return None
    return checkpoint.origin, checkpoint.size
