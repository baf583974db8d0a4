"""A key ring in a token keeps its port's promises, and those that only hardware has to make."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ordertrail.adapters.pkcs11 import keyring as keyring_module
from ordertrail.adapters.pkcs11.failures import refusal, require_pkcs11
from ordertrail.adapters.pkcs11.keyring import PREFIX, Pkcs11KeyRing
from ordertrail.adapters.pkcs11.module import Module, open_module
from ordertrail.kernel.errors import ConfigurationError, OrderTrailError, UnavailableError
from ordertrail.ledger.ports import KeyRing
from ordertrail.ledger.signers import signature_by
from ordertrail.ledger.vkey import SignatureType, format_vkey, parse_vkey
from ordertrail.testing.conformance.key_ring import NAME, TEXT, KeyRingSuite
from servers.hsm import PIN, SO_PIN, Hsm, Token, soft_hsm

_labels = (f"token {number}" for number in count())


@pytest.fixture(scope="module")
def hsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hsm]:
    """The module, with tokens of this file's tests."""
    with soft_hsm(tmp_path_factory.mktemp("hsm")) as running:
        yield running


@pytest.fixture
def token(hsm: Hsm) -> Token:
    """An empty token."""
    return hsm.token(next(_labels))


@pytest.fixture
def ring(token: Token) -> Pkcs11KeyRing:
    """A key ring in it."""
    return Pkcs11KeyRing(token.module, token.label, PIN)


class Pkcs11KeyRingSuite(KeyRingSuite):
    """Pkcs11KeyRing over SoftHSM, with keys of one kind."""

    secrets = (PIN.decode(), SO_PIN.decode())
    kind: SignatureType | None
    expected: SignatureType

    @pytest.fixture
    def reopen(self, token: Token) -> Callable[[], KeyRing]:
        """Open it once more."""
        return partial(Pkcs11KeyRing, token.module, token.label, PIN, key_type=self.kind)

    @pytest.fixture
    def unreachable(self, token: Token, reopen: Callable[[], KeyRing]) -> Callable[[str], KeyRing]:
        """Take the token out."""

        def take_out(_vkey: str) -> KeyRing:
            token.remove()
            return reopen()

        return take_out

    def test_its_keys_are_of_this_kind(self, ring: KeyRing) -> None:
        """As asked for; where nothing was asked, Ed25519."""
        assert ring.create(NAME).key.type is self.expected


class TestEd25519(Pkcs11KeyRingSuite):
    """The token has Ed25519, and nothing else was asked for."""

    kind = None
    expected = SignatureType.ED25519


class TestEcdsa(Pkcs11KeyRingSuite):
    """ECDSA over P-256, as in a token without Ed25519."""

    kind = SignatureType.ECDSA_P256
    expected = SignatureType.ECDSA_P256


def test_a_token_without_ed25519_gives_ecdsa(ring: Pkcs11KeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first that the token can both make and sign with; a token with neither is told by its setting."""
    mechanism = require_pkcs11().Mechanism
    ecdsa = {mechanism.EC_KEY_PAIR_GEN, mechanism.ECDSA}

    def token_with(mechanisms: set[int]) -> Any:
        return SimpleNamespace(token=SimpleNamespace(slot=SimpleNamespace(get_mechanisms=lambda: mechanisms)))

    monkeypatch.setattr(
        Pkcs11KeyRing, "_best", lambda self, _session: best(self, token_with(ecdsa)), raising=True
    )
    assert ring.create(NAME).key.type is SignatureType.ECDSA_P256
    with pytest.raises(ConfigurationError, match=r"signer\.token: .* neither Ed25519"):
        best(ring, token_with({mechanism.ECDSA}))


best = Pkcs11KeyRing._best


def test_a_private_key_never_leaves_its_token(ring: Pkcs11KeyRing, token: Token) -> None:
    """Sensitive, not extractable, made in the token, and good for signing alone."""
    pkcs11 = require_pkcs11()
    key = ring.create(NAME).key
    with open_module(token.module) as module:
        (private,) = module.session(token.label, PIN).get_objects(
            {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY}
        )
        attribute = pkcs11.Attribute
        on = {attribute.SENSITIVE, attribute.NEVER_EXTRACTABLE, attribute.LOCAL, attribute.SIGN}
        off = {attribute.EXTRACTABLE, attribute.DECRYPT, attribute.UNWRAP, attribute.DERIVE}
        for one in on | off | {attribute.PRIVATE, attribute.SIGN_RECOVER}:
            assert private[one] == (one in on | {attribute.PRIVATE}), one
        assert private[attribute.ID] == key.key_id
        assert private[attribute.LABEL] == f"{PREFIX}{NAME}"
        with pytest.raises(pkcs11.exceptions.AttributeSensitive):
            private[attribute.VALUE]
    assert ring.problems(format_vkey(key)) == []
    assert ring.encrypted(format_vkey(key))


def test_logs_with_different_labels_do_not_see_each_others_keys(token: Token, ring: Pkcs11KeyRing) -> None:
    """Two trails may share a token."""
    vkey = format_vkey(ring.create(NAME).key)
    other = Pkcs11KeyRing(token.module, token.label, PIN, prefix="another trail ")
    with pytest.raises(UnavailableError):
        other.signer(vkey)
    assert not other.encrypted(vkey)


class TestPin:
    """Wrong, missing and locked PINs."""

    def test_a_wrong_pin_is_tried_once(self, token: Token, ring: Pkcs11KeyRing) -> None:
        """Not again by this process, whatever asks for it: the token is not even there to refuse it."""
        vkey = format_vkey(ring.create(NAME).key)
        with pytest.raises(ConfigurationError, match=r"signer\.pin_file"):
            Pkcs11KeyRing(token.module, token.label, b"0000-wrong").signer(vkey)
        token.remove()
        with pytest.raises(ConfigurationError, match="refused this PIN") as caught:
            Pkcs11KeyRing(token.module, token.label, b"0000-wrong").create(NAME)
        assert "not tried again" in caught.value.meaning
        token.insert()
        assert ring.signer(vkey).sign(TEXT)

    def test_a_check_takes_no_pin(self, token: Token, ring: Pkcs11KeyRing) -> None:
        """It runs in many processes: a wrong PIN that each of them tries would lock the token."""
        vkey = format_vkey(ring.create(NAME).key)
        wrong = Pkcs11KeyRing(token.module, token.label, b"0000-wrong")
        for check in (wrong.problems, wrong.holds, wrong.encrypted):
            assert check(vkey) in ([], True)
        warned = require_pkcs11().TokenFlag.USER_PIN_COUNT_LOW
        with open_module(token.module) as module:
            assert warned not in module.token(token.label).flags
            with pytest.raises(ConfigurationError):
                wrong.signer(vkey)
            assert warned in module.token(token.label).flags

    def test_what_is_no_refusal_of_a_pin_is_not_taken_for_one(
        self, token: Token, ring: Pkcs11KeyRing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A token with no session left is asked again with the same PIN."""
        vkey = format_vkey(ring.create(NAME).key)
        exceptions, flags = require_pkcs11().exceptions, require_pkcs11().TokenFlag

        def full(**_: object) -> None:
            raise exceptions.SessionCount

        with monkeypatch.context() as patch, open_module(token.module) as module:
            module.restart()
            patch.setattr(Module, "token", lambda *_: SimpleNamespace(flags=flags(0), open=full))
            with pytest.raises(ConfigurationError, match="SessionCount"):
                Pkcs11KeyRing(token.module, token.label, PIN).signer(vkey)
        assert Pkcs11KeyRing(token.module, token.label, PIN).signer(vkey)

    def test_no_error_shows_a_pin(self, token: Token, ring: Pkcs11KeyRing) -> None:
        """Neither in its text nor in what caused it."""
        vkey = format_vkey(ring.create(NAME).key)
        for wrong in (b"0000-wrong", b"\xff\xfe-wrong", b""):
            with pytest.raises(OrderTrailError) as caught:
                Pkcs11KeyRing(token.module, token.label, wrong).signer(vkey)
            told = f"{caught.value.diagnostics()} {caught.value!r} {caught.value.__cause__!r}"
            assert "0000" not in told
            assert "-wrong" not in told

    def test_without_a_pin_nothing_is_signed_and_nothing_is_wrong(
        self, token: Token, ring: Pkcs11KeyRing
    ) -> None:
        """Who only checks has none; that a key is in the token can be seen without."""
        vkey = format_vkey(ring.create(NAME).key)
        without = Pkcs11KeyRing(token.module, token.label, None)
        for sign in (partial(without.signer, vkey), partial(without.create, NAME)):
            with pytest.raises(ConfigurationError, match=r"signer\.pin_file .* none is set"):
                sign()
        assert without.problems(vkey) == []
        assert without.holds(vkey)
        assert without.encrypted(vkey)

    @pytest.mark.parametrize(
        ("code", "told"),
        [
            ("PinLocked", "has locked its PIN"),
            ("PinExpired", "refused this PIN"),
            ("UserPinNotInitialized", "has no user PIN"),
            ("MechanismInvalid", "refused the operation: MechanismInvalid"),
        ],
    )
    def test_what_the_token_says_is_told(self, code: str, told: str) -> None:
        """With the token's name, what it means for the evidence, and what to do."""
        assert hasattr(require_pkcs11().exceptions, code)
        error = refusal("the-token", code)
        assert isinstance(error, ConfigurationError)
        assert told in error.message
        assert "'the-token'" in error.message
        assert "what was recorded waits" in error.meaning

    def test_the_last_try_is_left_to_a_person(
        self, token: Token, ring: Pkcs11KeyRing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A token that would lock after one more wrong PIN is not asked."""
        flags = require_pkcs11().TokenFlag
        warned = SimpleNamespace(flags=flags.USER_PIN_FINAL_TRY | flags.LOGIN_REQUIRED)
        monkeypatch.setattr(Module, "token", lambda _self, _label: warned)
        with open_module(token.module) as module:
            module.restart()
        with pytest.raises(ConfigurationError, match="one try at its PIN left"):
            ring.create(NAME)


class TestComingAndGoing:
    """Tokens that are taken out, put back, exchanged; processes that fork."""

    def test_a_token_that_comes_back_signs_again(self, token: Token, ring: Pkcs11KeyRing) -> None:
        """By the signer that is in hand, without opening anything anew."""
        signer = ring.create(NAME)
        token.remove()
        with open_module(token.module) as module:
            module.restart()
        with pytest.raises(UnavailableError, match="it was removed"):
            signer.sign(TEXT)
        token.insert()
        signature_by(signer, TEXT)

    def test_a_session_that_ends_under_us_is_opened_again(self, token: Token, ring: Pkcs11KeyRing) -> None:
        """As after a restart of the token's service."""
        signer = ring.create(NAME)
        with open_module(token.module) as module:
            module.session(token.label, PIN).close()
        signature_by(signer, TEXT)

    def test_a_token_without_the_key_is_told(self, hsm: Hsm, token: Token, ring: Pkcs11KeyRing) -> None:
        """Another token of the same label is another token."""
        vkey = format_vkey(ring.create(NAME).key)
        token.remove()
        hsm.token(token.label)
        with open_module(token.module) as module:
            module.restart()
        with pytest.raises(UnavailableError, match="is not in the token"):
            Pkcs11KeyRing(token.module, token.label, PIN).signer(vkey)

    def test_an_exchanged_key_is_refused(self, token: Token, ring: Pkcs11KeyRing) -> None:
        """Under the label and id of ours: found when it is opened, and when a signer in hand signs."""
        signer, pkcs11 = ring.create(NAME), require_pkcs11()
        vkey, other = format_vkey(signer.key), ring.create(NAME).key
        with open_module(token.module) as module:
            session = module.session(token.label, PIN)
            for kind in (pkcs11.ObjectClass.PRIVATE_KEY, pkcs11.ObjectClass.PUBLIC_KEY):
                attributes = {pkcs11.Attribute.CLASS: kind}
                (ours,) = session.get_objects(attributes | {pkcs11.Attribute.ID: signer.key.key_id})
                (theirs,) = session.get_objects(attributes | {pkcs11.Attribute.ID: other.key_id})
                ours[pkcs11.Attribute.ID] = b"away"
                theirs[pkcs11.Attribute.ID] = signer.key.key_id
        with pytest.raises(ConfigurationError, match="has another key under the label and id"):
            Pkcs11KeyRing(token.module, token.label, PIN).signer(vkey)
        with open_module(token.module) as module:
            module.restart()
        with pytest.raises(ConfigurationError, match="has another key under the label and id"):
            signer.sign(TEXT)

    def test_a_private_half_that_is_not_the_public_ones_signs_nothing(
        self, token: Token, ring: Pkcs11KeyRing
    ) -> None:
        """Each signature is verified before it is given out."""
        signer, pkcs11 = ring.create(NAME), require_pkcs11()
        other = ring.create(NAME).key
        with open_module(token.module) as module:
            session = module.session(token.label, PIN)
            attributes = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY}
            (ours,) = session.get_objects(attributes | {pkcs11.Attribute.ID: signer.key.key_id})
            (theirs,) = session.get_objects(attributes | {pkcs11.Attribute.ID: other.key_id})
            ours[pkcs11.Attribute.ID] = b"away"
            theirs[pkcs11.Attribute.ID] = signer.key.key_id
            module.restart()
        with pytest.raises(ConfigurationError, match="has another key, or is faulty"):
            signer.sign(TEXT)

    def test_a_fork_signs_in_both_processes(self, token: Token) -> None:
        """A child begins the module anew; its parent's session goes on."""
        program = (
            "import multiprocessing, sys; from pathlib import Path\n"
            "from ordertrail.adapters.pkcs11.keyring import Pkcs11KeyRing\n"
            "ring = Pkcs11KeyRing(Path(sys.argv[1]), sys.argv[2], sys.argv[3].encode())\n"
            "signer = ring.create('a'); text = b'text\\n'\n"
            "child = multiprocessing.get_context('fork').Process(target=signer.sign, args=(text,))\n"
            "child.start(); signer.sign(text); child.join(); signer.sign(text); sys.exit(child.exitcode)\n"
        )
        subprocess.run(
            [sys.executable, "-c", program, str(token.module), token.label, PIN.decode()],
            check=True,
            timeout=60,
        )

    def test_a_stop_while_a_key_is_made_leaves_an_unused_key(
        self, token: Token, ring: Pkcs11KeyRing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In the token, and nothing else: older keys sign, and the next one is made."""
        before = ring.create(NAME)

        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(keyring_module, "VerifierKey", stop)
            with pytest.raises(KeyboardInterrupt):
                ring.create(NAME)
        pkcs11 = require_pkcs11()
        with open_module(token.module) as module:
            session = module.session(token.label, PIN)
            assert (
                len(list(session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY}))) == 2
            )
        for signer in (before, ring.create(NAME)):
            assert ring.signer(format_vkey(signer.key)).key == signer.key


class TestSettings:
    """What is set up wrongly is named by its setting."""

    @pytest.mark.parametrize("module", ["/nowhere/module.so", "/etc/passwd"])
    def test_a_module_that_is_none(self, module: str) -> None:
        """Missing, or not a library."""
        with pytest.raises(ConfigurationError, match=r"^signer\.module: ") as caught:
            Pkcs11KeyRing(Path(module), "any", PIN).create(NAME)
        assert "waits in the journal" in caught.value.meaning

    def test_a_token_that_never_was(self, hsm: Hsm, token: Token) -> None:
        """Those that are there are named."""
        ring = Pkcs11KeyRing(hsm.module, "no such token", PIN)
        with pytest.raises(ConfigurationError, match=rf"^signer\.token: .*'{token.label}'"):
            ring.create(NAME)

    def test_two_tokens_of_one_label(self, hsm: Hsm, token: Token) -> None:
        """It is not known which one is meant."""
        hsm.token(token.label)
        with pytest.raises(ConfigurationError, match="has 2 tokens"):
            Pkcs11KeyRing(hsm.module, token.label, PIN).create(NAME)

    def test_a_missing_package(self, token: Token, monkeypatch: pytest.MonkeyPatch) -> None:
        """Is told with the command that installs it."""
        monkeypatch.setitem(sys.modules, "pkcs11", None)
        with pytest.raises(ConfigurationError) as caught:
            Pkcs11KeyRing(token.module, "any", PIN).create(NAME)
        assert "pip install 'ordertrail[pkcs11]'" in caught.value.remedy

    def test_problems_are_those_of_a_trail_that_signs_here(self, token: Token, ring: Pkcs11KeyRing) -> None:
        """A key that is gone is one; a token that was never here is none."""
        vkey = format_vkey(ring.create(NAME).key)
        stranger = format_vkey(Pkcs11KeyRing(token.module, token.label, PIN, prefix="x").create(NAME).key)
        assert ring.problems(vkey) == []
        assert ring.problems(stranger) == [
            f"the private key of {parse_vkey(stranger)} is not in the token {token.label!r}"
        ]
        assert Pkcs11KeyRing(token.module, "elsewhere", PIN).problems(vkey) == []
        assert Pkcs11KeyRing(Path("/nowhere.so"), token.label, PIN).problems(vkey) == []

    def test_a_token_that_stays_away_is_unavailable(
        self, ring: Pkcs11KeyRing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One more try is made, and no third."""
        signer, tries = ring.create(NAME), []

        def gone(*_: object) -> bytes:
            tries.append(1)
            raise require_pkcs11().exceptions.DeviceRemoved

        monkeypatch.setattr(Pkcs11KeyRing, "_find", gone)
        with pytest.raises(UnavailableError, match="does not answer: DeviceRemoved"):
            signer.sign(TEXT)
        assert len(tries) == 2
