"""Who gives what to whom: never to oneself, never more than one's own, never what must not meet; all of it told."""

from datetime import timedelta

import pytest

from access.desk import HERE, PASSWORD, Desk
from ordertrail.access.account import Bound, Kind
from ordertrail.access.administration import Wanted
from ordertrail.access.principal import Known, Principal, Scope
from ordertrail.access.roles import Role
from ordertrail.access.service import local_principal
from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import BusyError, InputError

ACME = Scope(frozenset({"acme"}))
BOLT = Scope(frozenset({"bolt"}))
DAY = timedelta(days=1)


def _administrator(desk: Desk, name: str = "root", scope: Scope | None = None) -> Principal:
    desk.person(name, Role.ADMINISTRATOR, scope=scope)
    return desk.who(name)


def test_every_change_of_an_account_is_an_event_without_secrets() -> None:
    """Added, changed, invited, withdrawn and readmitted: what, by whom, and why."""
    desk = Desk()
    root = _administrator(desk)
    desk.told.clear()
    people = desk.access.people
    given = people.add(root, "ana", "Ana Lima", Wanted((Role.VIEWER,), ACME), HERE)
    people.change(root, "ana", Wanted((Role.AUDITOR,), ACME, sees_identities=True), HERE)
    token, _ = people.invite(root, "ana", HERE)
    people.accept(token, PASSWORD, HERE)
    people.withdraw(root, "ana", HERE, "left the house")
    people.readmit(root, "ana", HERE, "came back")
    told = list(desk.told)
    assert desk.actions() == [
        ("access.account.add", "success"),
        ("access.role.change", "success"),
        ("access.account.change", "success"),
        ("access.account.change", "success"),
        ("access.account.change", "success"),
        ("access.account.change", "success"),
    ]
    assert {event.subject.id for event in told} == {given.account.id}
    assert {event.subject.tenant for event in told} == {"acme"}
    assert [event.actor.id for event in told] == [
        root.id,
        root.id,
        root.id,
        given.account.id,
        root.id,
        root.id,
    ]
    changed = {change.path: (change.before, change.after) for change in told[1].changes}
    assert changed == {"/roles": (["viewer"], ["auditor"]), "/sees_identities": (False, True)}
    for secret in (token, PASSWORD, "argon2"):
        assert secret not in str(told)


def test_what_changes_nothing_is_not_told() -> None:
    """And signs nobody out."""
    desk = Desk()
    root = _administrator(desk)
    desk.person("ana", Role.VIEWER)
    token = desk.token("ana")
    desk.told.clear()
    desk.access.people.change(root, "ana", Wanted((Role.VIEWER,), Scope()), HERE)
    assert not desk.told
    assert desk.known(token) is not None


def test_other_roles_hold_at_once() -> None:
    """Whoever was signed in with the old ones signs in again."""
    desk = Desk()
    root = _administrator(desk)
    desk.person("ana", Role.VIEWER)
    token = desk.token("ana")
    desk.access.people.change(root, "ana", Wanted((Role.INTAKE_OPERATOR,), Scope()), HERE)
    assert desk.known(token) is None
    assert not desk.who("ana").may(Verb.EVENTS_SEARCH)


def test_roles_that_must_not_meet_are_refused_and_doubtful_ones_warned_of() -> None:
    """The warning stands in the event."""
    desk = Desk()
    root = _administrator(desk)
    with pytest.raises(InputError, match="must not read evidence"):
        desk.access.people.add(root, "x", "X", Wanted((Role.ADMINISTRATOR, Role.VIEWER), Scope()), HERE)
    assert desk.stores.accounts.named("x") is None
    given = desk.access.people.add(root, "y", "Y", Wanted((Role.AUDITOR, Role.EXPORTER), Scope()), HERE)
    assert [one.one for one in given.warnings] == [Verb.EXPORTS_MAKE]
    assert desk.told[-1].context is not None
    assert "names can be taken out" in (desk.told[-1].context.reason or "")


def test_nobody_changes_what_they_may_do_themselves() -> None:
    """Nor invites, withdraws or readmits themselves; whoever holds the trail's directory may."""
    desk = Desk()
    root = _administrator(desk)
    people = desk.access.people
    for act in (
        lambda: people.change(root, "root", Wanted((Role.AUDITOR,), Scope()), HERE),
        lambda: people.withdraw(root, "root", HERE, "tired"),
        lambda: people.readmit(root, root.id, HERE, "rested"),
        lambda: people.invite(root, "root", HERE),
    ):
        with pytest.raises(InputError, match=r"nobody|themselves"):
            act()
    people.withdraw(local_principal(), "root", HERE, "left the house")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_only_who_looks_after_accounts_may(role: Role) -> None:
    """Every other role is refused every change, and sees no list."""
    desk = Desk()
    desk.person("ana", Role.VIEWER)
    desk.person("other", role)
    who, people = desk.who("other"), desk.access.people
    for act in (
        lambda: people.add(who, "x", "X", Wanted((Role.VIEWER,), Scope()), HERE),
        lambda: people.change(who, "ana", Wanted((), Scope()), HERE),
        lambda: people.withdraw(who, "ana", HERE, "because"),
        lambda: people.invite(who, "ana", HERE),
        lambda: people.every(who),
        lambda: people.forget_factor(who, "ana", HERE, "because"),
    ):
        with pytest.raises(InputError, match="your roles"):
            act()


def test_an_administrator_of_one_tenant_knows_no_other() -> None:
    """Accounts of other tenants are as if they were not there, by name and by id; nothing wider can be given."""
    desk = Desk()
    root = _administrator(desk, scope=ACME)
    people = desk.access.people
    bolt = desk.person("ben", Role.VIEWER, scope=BOLT)
    everywhere = desk.person("eva", Role.VIEWER)
    for name in ("ben", bolt.id, "eva", everywhere.id, "nobody"):
        for act in (
            lambda name=name: people.change(root, name, Wanted((), ACME), HERE),
            lambda name=name: people.withdraw(root, name, HERE, "because"),
            lambda name=name: people.invite(root, name, HERE),
            lambda name=name: people.forget_factor(root, name, HERE, "because"),
        ):
            with pytest.raises(InputError, match="there is no account"):
                act()
    desk.person("amy", Role.VIEWER, scope=ACME)
    assert [one.name for one in people.every(root)] == ["amy", "root"]
    for scope in (Scope(), BOLT, Scope(frozenset({"acme", "bolt"}))):
        with pytest.raises(InputError, match="wider than your own"):
            people.add(root, "new", "New", Wanted((Role.VIEWER,), scope), HERE)
        with pytest.raises(InputError, match="wider than your own"):
            people.change(root, "amy", Wanted((Role.VIEWER,), scope), HERE)


def test_nobody_sets_somebody_elses_password() -> None:
    """An administrator who could would sign in as anybody."""
    desk = Desk()
    root = _administrator(desk)
    ana = desk.person("ana", Role.AUDITOR)
    with pytest.raises(InputError, match="their own passwords"):
        desk.access.people.set_password(root, ana, "seven green umbrellas hum", HERE)
    with pytest.raises(InputError, match="everybody tries first"):
        desk.access.people.set_password(ana, ana, "Ana-Ana-Ana-2026", HERE)


def test_services_and_people_of_another_house_have_no_password() -> None:
    """Nobody invites them to choose one."""
    desk = Desk()
    root = _administrator(desk)
    desk.service("shop", Role.RECORDER)
    bound = Bound("https://id.example.com", "1")
    desk.access.people.add(root, "fed", "Fed", Wanted((Role.VIEWER,), Scope()), HERE, bound=bound)
    for name in ("shop", "fed"):
        with pytest.raises(InputError, match="no passwords"):
            desk.access.people.invite(root, name, HERE)
    with pytest.raises(InputError, match="already"):
        desk.access.people.add(root, "fed2", "Fed", Wanted((Role.VIEWER,), Scope()), HERE, bound=bound)


@pytest.mark.parametrize("name", ["", " ", "a b", "x" * 101, "bell\x07", "\u202eevil", "line\nline"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    """What cannot be typed, seen or told apart."""
    desk = Desk()
    with pytest.raises(InputError):
        desk.access.people.add(local_principal(), name, "X", Wanted((), Scope()), HERE)


def test_names_that_look_alike_are_one() -> None:
    """Nobody is let in as somebody else's look-alike of another case or width."""
    desk = Desk()
    desk.person("ana.lima", Role.VIEWER)
    for name in ("Ana.Lima", "\uff21\uff2e\uff21\uff0e\uff4c\uff49\uff4d\uff41", " ana.lima "):
        with pytest.raises(InputError, match="already"):
            desk.access.people.add(local_principal(), name, "X", Wanted((), Scope()), HERE)


def test_who_was_slower_is_told_and_so_is_the_trail() -> None:
    """A change that lost a race is an event that failed, after the one that said it was coming."""
    desk = Desk()
    ana = desk.person("ana", Role.VIEWER)
    assert desk.stores.accounts.put(ana.changed())
    desk.told.clear()
    with pytest.raises(BusyError):
        desk.access.people.become(ana, Wanted((), Scope()), HERE, local_principal())
    first, second = desk.told
    assert desk.actions() == [("access.role.change", "success"), ("access.role.change", "failed")]
    assert second.cause is not None
    assert second.cause.id == first.id


class TestKeys:
    """Keys do what they were given and their account still may, and no more."""

    def test_a_key_is_known_again_and_told_without_its_text(self) -> None:
        """By what it may do, and where; its use is remembered."""
        desk = Desk()
        shop = desk.service("shop", Role.RECORDER, scope=ACME)
        made = desk.access.keyring.make(
            local_principal(), shop, "nightly", frozenset({Verb.EVENTS_RECORD}), DAY, HERE
        )
        who = desk.access.recognising.by_key(made.text)
        assert who is not None
        assert (who.id, who.kind, who.known) == (shop.id, "service", Known.KEY)
        assert (set(who.verbs), who.scope) == ({Verb.EVENTS_RECORD}, ACME)
        assert made.text.startswith(f"ot_{made.key.id}_")
        assert made.text not in str(desk.told)
        assert made.text.rpartition("_")[2] not in repr(desk.stores)
        kept = desk.stores.keys.get(made.key.id)
        assert kept is not None
        assert kept.used == desk.now

    def test_what_is_not_the_key_is_nothing(self) -> None:
        """Another secret, another id, any part of it, its hash."""
        desk = Desk()
        shop = desk.service("shop", Role.RECORDER)
        made, other = (
            desk.access.keyring.make(local_principal(), shop, "k", frozenset({Verb.EVENTS_RECORD}), DAY, HERE)
            for _ in range(2)
        )
        _, name, secret = made.text.split("_", 2)
        for text in (
            "", "ot_", f"ot_{name}_", f"ot_{other.key.id}_{secret}", made.text[:-1], made.text + "A", made.text.upper(),
            f"ot_{name}_{made.key.digest.hex()[:43]}", f" {made.text}", f"ot_{name}_{'A' * 43}", "é" * 60,
            "\ud800" * 60,
        ):  # fmt: skip
            assert desk.access.recognising.by_key(text) is None

    def test_a_key_ends(self) -> None:
        """With its time, when it is withdrawn, and with its account; not with another key."""
        desk = Desk()
        shop = desk.service("shop", Role.RECORDER)
        verbs = frozenset({Verb.EVENTS_RECORD})
        one, two, three = (
            desk.access.keyring.make(local_principal(), shop, "k", verbs, DAY * days, HERE)
            for days in (1, 2, 2)
        )
        desk.wait(days=1)
        alive = [desk.access.recognising.by_key(key.text) is not None for key in (one, two, three)]
        assert alive == [False, True, True]
        desk.access.keyring.withdraw(local_principal(), two.key.id, HERE, "leaked")
        assert [desk.access.recognising.by_key(key.text) is not None for key in (two, three)] == [False, True]
        desk.access.people.withdraw(local_principal(), "shop", HERE, "closed")
        assert desk.access.recognising.by_key(three.text) is None

    def test_a_key_loses_what_its_account_loses(self) -> None:
        """A right that was taken away is gone from keys too, and so is a tenant."""
        desk = Desk()
        ana = desk.person("ana", Role.AUDITOR, scope=Scope(frozenset({"acme", "bolt"})))
        verbs = frozenset({Verb.EVENTS_SEARCH, Verb.INTEGRITY_CHECK})
        made = desk.access.keyring.make(desk.who("ana"), ana, "k", verbs, DAY, HERE, BOLT)
        who = desk.access.recognising.by_key(made.text)
        assert who is not None
        assert (who.verbs, who.scope) == (verbs, BOLT)
        desk.access.people.change(local_principal(), "ana", Wanted((Role.VIEWER,), ACME), HERE)
        who = desk.access.recognising.by_key(made.text)
        assert who is not None
        assert (set(who.verbs), who.scope.tenants) == ({Verb.EVENTS_SEARCH}, frozenset())

    @pytest.mark.parametrize("role", Role)
    def test_no_key_gives_rights_or_signs(self, role: Role) -> None:
        """What takes a person who is there cannot be given to a key, whatever its account may."""
        desk = Desk()
        account = desk.person("ana", role)
        for verb in (
            Verb.ACCOUNTS_MANAGE,
            Verb.GLASS_BREAK,
            Verb.CASES_SIGN,
            Verb.RETENTION_APPROVE,
            Verb.RULES_WRITE,
        ):
            who = desk.who("ana")
            if verb is Verb.RULES_WRITE and who.may(verb):
                continue
            with pytest.raises(InputError, match="may not"):
                desk.access.keyring.make(who, account, "k", frozenset({verb}), DAY, HERE)

    def test_keys_are_made_by_their_own_people(self) -> None:
        """Nobody makes one in somebody else's name, and no key makes or withdraws keys."""
        desk = Desk()
        root = _administrator(desk)
        ana = desk.person("ana", Role.VIEWER)
        shop = desk.service("shop", Role.RECORDER)
        verbs = frozenset({Verb.EVENTS_SEARCH})
        ring = desk.access.keyring
        with pytest.raises(InputError, match="their own keys"):
            ring.make(root, ana, "k", verbs, DAY, HERE)
        own = ring.make(desk.who("ana"), ana, "k", verbs, DAY, HERE)
        key = desk.access.recognising.by_key(own.text)
        assert key is not None
        with pytest.raises(InputError):
            ring.make(key, ana, "k", verbs, DAY, HERE)
        with pytest.raises(InputError):
            ring.withdraw(key, own.key.id, HERE, "mine")
        assert not ring.of(key)
        theirs = ring.make(root, shop, "k", frozenset({Verb.EVENTS_RECORD}), DAY, HERE)
        with pytest.raises(InputError, match="there is no key"):
            ring.withdraw(desk.who("ana"), theirs.key.id, HERE, "not mine")
        assert [one.id for one in ring.of(desk.who("ana"))] == [own.key.id]
        assert {one.id for one in ring.of(root)} == {own.key.id, theirs.key.id}
        ring.withdraw(root, own.key.id, HERE, "ana left")
        assert desk.access.recognising.by_key(own.text) is None

    def test_a_key_of_another_tenant_is_not_there(self) -> None:
        """An administrator of one tenant neither sees nor withdraws another's."""
        desk = Desk()
        root = _administrator(desk, scope=ACME)
        other = desk.service("other", Role.RECORDER, scope=BOLT)
        made = desk.access.keyring.make(
            local_principal(), other, "k", frozenset({Verb.EVENTS_RECORD}), DAY, HERE
        )
        assert not desk.access.keyring.of(root)
        with pytest.raises(InputError, match="there is no key"):
            desk.access.keyring.withdraw(root, made.key.id, HERE, "because")
        assert desk.access.recognising.by_key(made.text) is not None

    @pytest.mark.parametrize("days", [0, -1, 367])
    def test_every_key_ends_within_a_year(self, days: int) -> None:
        """None is made for ever, and none that may do nothing."""
        desk = Desk()
        shop = desk.service("shop", Role.RECORDER)
        with pytest.raises(InputError, match="days"):
            desk.access.keyring.make(
                local_principal(), shop, "k", frozenset({Verb.EVENTS_RECORD}), DAY * days, HERE
            )
        with pytest.raises(InputError, match="names none"):
            desk.access.keyring.make(local_principal(), shop, "k", frozenset(), DAY, HERE)


class TestGlass:
    """In an emergency somebody reads what they otherwise may not; for a short time, with a reason, and it is told."""

    REASON = "orders vanish, and nobody who may look is here"

    def test_a_broken_glass_gives_and_ends(self) -> None:
        """Under a new token; then everything is as before."""
        desk = Desk()
        desk.person("root", Role.ADMINISTRATOR, scope=ACME)
        token = desk.token("root")
        found = desk.session(token)
        desk.told.clear()
        new, glass = desk.access.glass.take(
            found.session, found.account, [Verb.EVENTS_SEARCH], self.REASON, HERE
        )
        (event,) = desk.told
        assert (event.action, event.actor.session) == ("access.glass.break", found.session.name)
        assert event.context is not None
        assert event.context.reason == self.REASON
        assert desk.known(token) is None
        who = desk.session(new).who
        assert who is not None
        assert who.may(Verb.EVENTS_SEARCH)
        assert not who.may(Verb.ACCOUNTS_MANAGE)
        assert who.scope == ACME
        desk.wait(minutes=29)
        assert desk.known(new) is not None
        desk.wait(minutes=29)
        assert desk.known(new) is not None
        desk.now = glass.until
        after = desk.session(new).who
        assert after is not None
        assert not after.may(Verb.EVENTS_SEARCH)
        assert after.may(Verb.ACCOUNTS_MANAGE)

    def test_identities_are_seen_only_where_that_was_taken(self) -> None:
        """An auditor who sees pseudonyms reveals nothing, until the glass is broken."""
        desk = Desk()
        desk.person("ana", Role.AUDITOR)
        found = desk.session(desk.token("ana"))
        assert found.who is not None
        assert not found.who.may(Verb.IDENTITIES_REVEAL)
        new, _ = desk.access.glass.take(
            found.session, found.account, [Verb.IDENTITIES_REVEAL], self.REASON, HERE
        )
        broken = desk.session(new)
        assert broken.who is not None
        assert broken.who.may(Verb.IDENTITIES_REVEAL)
        assert broken.who.sees_identities
        mended = desk.session(desk.access.glass.mend(broken.session)).who
        assert mended is not None
        assert not mended.may(Verb.IDENTITIES_REVEAL)

    @pytest.mark.parametrize(
        ("role", "verbs", "reason", "minutes", "wrong"),
        [
            (Role.VIEWER, [Verb.ACTIVITY_READ], REASON, 0, "your roles"),
            (Role.ADMINISTRATOR, [Verb.EXPORTS_MAKE], REASON, 0, "cannot be taken"),
            (Role.ADMINISTRATOR, [Verb.RETENTION_APPROVE], REASON, 0, "cannot be taken"),
            (Role.ADMINISTRATOR, [], REASON, 0, "names none"),
            (Role.ADMINISTRATOR, [Verb.EVENTS_SEARCH], "  help  ", 0, "say in a sentence"),
            (Role.ADMINISTRATOR, [Verb.EVENTS_SEARCH], REASON, 11, "prove again"),
        ],
    )
    def test_it_is_not_broken_lightly(
        self, role: Role, verbs: list[Verb], reason: str, minutes: int, wrong: str
    ) -> None:
        """Not by anybody, not for anything, not without a reason, and not long after the last proof."""
        desk = Desk()
        desk.person("ana", role)
        token = desk.token("ana")
        desk.wait(minutes=minutes)
        found = desk.session(token)
        desk.told.clear()
        with pytest.raises(InputError, match=wrong):
            desk.access.glass.take(found.session, found.account, verbs, reason, HERE)
        assert not desk.told
        assert desk.known(token) is not None

    def test_a_glass_that_cannot_be_told_of_is_not_broken(self) -> None:
        """Nobody reads unseen."""
        desk = Desk()
        desk.person("root", Role.ADMINISTRATOR)
        found = desk.session(desk.token("root"))
        desk.broken = True
        with pytest.raises(Exception, match="journal"):
            desk.access.glass.take(found.session, found.account, [Verb.EVENTS_SEARCH], self.REASON, HERE)
        assert [one.glass for one in desk.stores.sessions.of(found.account.id)] == [None]


def test_a_service_is_no_person() -> None:
    """Its kind stands in what it does."""
    desk = Desk()
    desk.service("shop", Role.RECORDER)
    account = desk.stores.accounts.named("shop")
    assert account is not None
    assert account.kind is Kind.SERVICE
    assert account.id.startswith("s-")
