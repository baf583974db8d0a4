"""A whole house for tests of the web layer: the shop's story recorded, sealed and indexed, and people with roles.

::

    with shop_house(tmp_path / "trail") as house:
        app = create_app(house.services, SERVE)
        key = house.key(Role.AUDITOR)              # an API key's text, of a service with this role
        token = house.session("auditor")           # the value of the session cookie of a person

People are named by their roles, and each has the password :data:`PASSWORD`. Cookies go over plain HTTP here.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from ordertrail.access.account import Account, Kind
from ordertrail.access.administration import Wanted
from ordertrail.access.principal import Principal, Scope
from ordertrail.access.roles import NOT_BY_KEY, Role, verbs_of
from ordertrail.access.service import local_principal
from ordertrail.access.telling import Where
from ordertrail.assembly import create_trail
from ordertrail.assembly.house import open_services
from ordertrail.services import Services
from ordertrail.settings import Settings
from ordertrail.settings.serve import ServeSettings
from ordertrail.testing.story import order_story

ORIGIN = "shop.example/trail"
PASSWORD = "nineteen copper kettles sing"  # noqa: S105 - a test's own
SERVE = ServeSettings(hosts=["test", "testserver"], insecure_cookies=True, workers=1)
"""How tests serve: without TLS, under the names that test clients use."""

_HERE = Where(ip="127.0.0.1", user_agent="tests", request=None, trace=None, channel="tests")
_LIFE = timedelta(days=1)


@dataclass(slots=True)
class House:
    """A trail with its services, and people and programs that may use it."""

    root: Path
    services: Services
    people: Mapping[str, Account]
    _keys: dict[tuple[Role, ...], str] = field(default_factory=dict)

    def key(self, *roles: Role) -> str:
        """Return the text of an API key of a service with these roles, which may all that they may by a key."""
        if roles not in self._keys:
            access, local = self.services.access, local_principal()
            name = "service-" + "-".join(roles)
            given = access.people.add(local, name, name, Wanted(roles, Scope()), _HERE, kind=Kind.SERVICE)
            verbs = verbs_of(roles) - NOT_BY_KEY
            self._keys[roles] = access.keyring.make(local, given.account, "tests", verbs, _LIFE, _HERE).text
        return self._keys[roles]

    def bearer(self, *roles: Role) -> dict[str, str]:
        """Return the header of a request with such a key."""
        return {"Authorization": f"Bearer {self.key(*roles)}"}

    def session(self, name: str) -> str:
        """Sign a person in; return the value of the session cookie."""
        attempt = self.services.access.entrance.sign_in(name, PASSWORD, _HERE)
        assert attempt.token is not None, attempt
        return attempt.token

    def add(self, name: str, *roles: Role, sees_identities: bool = False) -> None:
        """Let somebody in who has these roles."""
        people, local = self.services.access.people, local_principal()
        given = people.add(local, name, name.title(), Wanted(roles, Scope(), sees_identities), _HERE)
        people.set_password(local, given.account, PASSWORD, _HERE)

    def feed(self) -> None:
        """Seal what waits, and bring the index up to it."""
        self.services.trail.seal()
        self.services.query.feed()


@contextmanager
def shop_house(root: Path, *, orders: int = 20, settings: Settings | None = None) -> Iterator[House]:
    """Make a house in a directory that is not there yet, and open it."""
    with create_trail(root, ORIGIN, settings=settings or Settings(immutable=False, serve=SERVE)) as trail:
        for _ in trail.record_lines((f"line {at}", line) for at, line in enumerate(order_story(orders))):
            pass
    with open_services(root) as services:
        house = House(root, services, _people(services, local_principal()))
        house.feed()
        yield house


def _people(services: Services, local: Principal) -> dict[str, Account]:
    """Add a person for each role, named by it."""
    people = {}
    for role in Role:
        given = services.access.people.add(local, role, role.title(), Wanted((role,), Scope()), _HERE)
        services.access.people.set_password(local, given.account, PASSWORD, _HERE)
        people[str(role)] = given.account
    return people
