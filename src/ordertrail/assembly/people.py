"""The store of personal keys: made at first use, opened once, closed with the trail."""

from pathlib import Path

from ordertrail.adapters.files.kek import create_kek, index_key, load_kek
from ordertrail.adapters.sql.people import PeopleKeys, create_people
from ordertrail.kernel.clock import Clock
from ordertrail.record.sealing import Sealer
from ordertrail.settings import passphrase

KEK = "people.kek"
PEOPLE = "people.db"


class People:
    """The personal keys in a trail's ``keys/`` folder."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._keys: PeopleKeys | None = None

    def sealer(self) -> Sealer:
        """Return the sealer over the store."""
        kek_path, people = self._folder / KEK, self._folder / PEOPLE
        if not people.exists():
            if not kek_path.exists():
                create_kek(kek_path, passphrase())
            create_people(people)
        kek = load_kek(kek_path, passphrase())
        self._keys = self._keys or PeopleKeys(people, kek, self._clock)
        return Sealer(self._keys, self._keys, index_key(kek))

    def close(self) -> None:
        """Close the store."""
        if self._keys is not None:
            self._keys.close()
