"""People's keys and the blind index, in memory."""

import os
from threading import Lock

from ordertrail.kernel.errors import InputError

_KEY_SIZE = 32


class MemoryPeople:
    """Implements :class:`ordertrail.record.ports.KeyStore` and :class:`ordertrail.record.ports.BlindIndex`.

    All but durability; and a destroyed key lingers in the process's memory until Python reuses it.
    """

    def __init__(self) -> None:
        self._keys: dict[str, bytes] = {}
        self._destroyed: set[str] = set()
        self._places: dict[bytes, set[tuple[str, str, str]]] = {}
        self._lock = Lock()

    def get(self, person: str) -> bytes | None:
        """See the port."""
        with self._lock:
            return self._keys.get(person)

    def create(self, person: str) -> bytes:
        """See the port."""
        with self._lock:
            if person in self._destroyed:
                raise InputError(f"person {person} was erased; their key is never made again")
            if person not in self._keys:
                self._keys[person] = os.urandom(_KEY_SIZE)
            return self._keys[person]

    def destroy(self, person: str) -> bool:
        """See the port."""
        with self._lock:
            if self._keys.pop(person, None) is None:
                return False
            self._destroyed.add(person)
            for token, places in list(self._places.items()):
                self._places[token] = {place for place in places if place[0] != person}
            return True

    def add(self, person: str, token: bytes, event: str, path: str) -> None:
        """See the port. Raises InputError for a person without a key: nothing would ever forget the token."""
        with self._lock:
            if person not in self._keys:
                raise InputError(f"person {person} has no key; a token stands only beside a key")
            self._places.setdefault(token, set()).add((person, event, path))

    def find(self, token: bytes) -> list[tuple[str, str]]:
        """See the port."""
        with self._lock:
            return sorted((event, path) for _, event, path in self._places.get(token, ()))
