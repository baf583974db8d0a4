"""Which orders may be in a segment: a Bloom filter of their numbers (Bloom, 1970), kept in its manifest.

Of ``m`` bits, a power of two, each order sets :data:`HASHES`: with ``a`` and ``b`` the first two big-endian uint64 of
the SHA-256 of its number in UTF-8, ``b`` made odd, the bits ``(a + i * b) mod m`` for ``i`` from 0 (Kirsch and
Mitzenmacher, 2006). Bit ``n`` is bit ``n % 8``, from the lowest, of byte ``n // 8``. With ten bits or more an order, of
a hundred orders that are not there about one seems to be; one that is there always does.
"""

from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

HASHES: Final = 6
_BITS_EACH = 10
_LEAST_BYTES = 8


@dataclass(frozen=True, slots=True)
class Bloom:
    """The filter's bits: a power of two of bytes, 8 at least."""

    bits: bytes

    def __post_init__(self) -> None:
        length = len(self.bits)
        if length < _LEAST_BYTES or length & (length - 1):
            raise ValueError("a filter has a power of two of bytes")

    def may_hold(self, order: str) -> bool:
        """Say whether an order may be there; False only where it is not."""
        return all(self.bits[place >> 3] >> (place & 7) & 1 for place in _places(order, len(self.bits) * 8))


def bloom_of(orders: Collection[str]) -> Bloom:
    """Return the filter of these orders."""
    wanted = max(_LEAST_BYTES * 8, len(orders) * _BITS_EACH)
    bits = bytearray((1 << (wanted - 1).bit_length()) // 8)
    for order in orders:
        for place in _places(order, len(bits) * 8):
            bits[place >> 3] |= 1 << (place & 7)
    return Bloom(bytes(bits))


def _places(order: str, size: int) -> list[int]:
    digest = sha256(order.encode(errors="surrogatepass")).digest()
    first = int.from_bytes(digest[:8], "big")
    step = int.from_bytes(digest[8:16], "big") | 1
    return [(first + turn * step) & (size - 1) for turn in range(HASHES)]
