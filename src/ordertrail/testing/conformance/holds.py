"""What :class:`ordertrail.vault.ports.Holds` promises of a vault that has it."""

from collections.abc import Callable
from typing import Protocol

import pytest

from ordertrail.kernel.errors import InputError
from ordertrail.testing.conformance.vault import LATER, LATEST, OBJECT, PARTIAL, lasts
from ordertrail.vault.ports import Holds, Vault


class HoldingVault(Vault, Holds, Protocol):
    """A vault with legal holds."""


Reopen = Callable[[], HoldingVault]


class HoldsSuite:
    """Give ``reopen``, a vault with holds and nothing in it."""

    @pytest.fixture
    def reopen(self) -> Reopen:
        """Open the vault once more."""
        raise NotImplementedError("the suite of holds needs a fixture 'reopen'")

    @pytest.fixture
    def vault(self, reopen: Reopen) -> HoldingVault:
        """The vault under test, with two objects."""
        vault = reopen()
        vault.put([(OBJECT, b"tile"), (PARTIAL, b"partial")], LATER)
        return vault

    def test_nothing_is_held_that_nobody_held(self, vault: HoldingVault) -> None:
        """Nor is an object beside one that is."""
        vault.hold(PARTIAL)
        assert (_held(vault, OBJECT), _held(vault, PARTIAL)) == (False, True)

    def test_a_hold_stands_until_it_is_lifted(self, vault: HoldingVault, reopen: Reopen) -> None:
        """For every opener; placed twice it is lifted once, and lifting what is not held does nothing."""
        vault.hold(OBJECT)
        vault.hold(OBJECT)
        assert (_held(vault, OBJECT), _held(reopen(), OBJECT)) == (True, True)
        for _ in range(2):
            reopen().release(OBJECT)
            assert (_held(vault, OBJECT), _held(reopen(), OBJECT)) == (False, False)
        vault.hold(OBJECT)
        assert _held(reopen(), OBJECT)

    def test_a_hold_changes_neither_bytes_nor_term(self, vault: HoldingVault) -> None:
        """And the term can be lengthened under it; no hold is among the objects."""
        vault.hold(OBJECT)
        vault.extend(OBJECT, LATEST)
        vault.put([(OBJECT, b"tile")], LATER)
        kept = vault.kept(OBJECT)
        assert kept is not None
        assert kept.legal_hold
        assert lasts(kept.until, LATEST)
        vault.release(OBJECT)
        kept = vault.kept(OBJECT)
        assert kept is not None
        assert lasts(kept.until, LATEST)
        assert (vault.get(OBJECT), sorted(vault.paths(""))) == (b"tile", [OBJECT, PARTIAL])

    def test_what_is_not_there_is_not_held(self, vault: HoldingVault) -> None:
        """InputError: a hold on nothing would be taken for one."""
        for act in (vault.hold, vault.release):
            with pytest.raises(InputError):
                act("tile/0/001")


def _held(vault: Vault, path: str) -> bool:
    kept = vault.kept(path)
    assert kept is not None
    return kept.legal_hold
