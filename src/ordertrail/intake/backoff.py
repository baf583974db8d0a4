"""When intake tries again: the same waits as everywhere."""

from ordertrail.kernel.backoff import Backoff, Draw

__all__ = ["Backoff", "Draw"]
