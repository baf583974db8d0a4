"""Setting up a second factor, and the codes for when it is lost."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from ordertrail.access.account import Account
from ordertrail.access.administration import subject_of
from ordertrail.access.ports import Accounts, Tickets
from ordertrail.access.secrets import Box
from ordertrail.access.telling import Deed, Teller, Where, actor_of
from ordertrail.access.ticket import RECOVERY_CODES, Purpose, Ticket, new_recovery_code, recovery_digest
from ordertrail.access.totp import address, new_secret, spelled, used_step
from ordertrail.kernel.clock import Clock
from ordertrail.kernel.errors import BusyError, InputError, Problem

_FOREVER: Final = timedelta(days=3_650)


@dataclass(frozen=True, slots=True)
class Offer:
    """A new factor, shown to its person and kept nowhere yet: ``sealed`` comes back with the first code."""

    secret: str = field(repr=False)
    address: str = field(repr=False)
    sealed: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Factors:
    """Sets up second factors."""

    accounts: Accounts
    tickets: Tickets
    box: Box
    teller: Teller
    clock: Clock

    def offer(self, account: Account) -> Offer:
        """Return a new secret for an authenticator."""
        secret = new_secret()
        sealed = self.box.seal(secret, _offered_to(account)).hex()
        return Offer(spelled(secret), address(secret, account.name), sealed)

    def enrol(self, account: Account, sealed: str, typed: str, where: Where) -> tuple[str, ...]:
        """Keep an offered factor once its first code was typed; return recovery codes, which are shown once.

        Raises InputError for a wrong code, and where a factor is set up already.
        """
        if account.totp is not None:
            raise InputError(
                Problem("", "a second factor is set up already"),
                meaning="Nothing was changed.",
                remedy="Ask who looks after accounts to take it away first.",
            )
        secret = self._offered(account, sealed)
        step = used_step(secret, typed[:40], self.clock(), 0)
        if step is None:
            raise InputError(
                Problem("code", "is not the code that the authenticator shows now"),
                meaning="Nothing was changed.",
            )
        kept = self.box.seal(secret, account.id)
        with self.teller.telling(
            Deed(
                "access.account.change",
                actor_of(account),
                subject_of(account),
                where,
                reason="second factor set up",
            )
        ):
            if not self.accounts.put(replace(account, totp=kept, totp_step=step).changed()):
                raise BusyError("the account was changed meanwhile", remedy="Try again.")
            return self._new_codes(account)

    def renew_codes(self, account: Account, where: Where) -> tuple[str, ...]:
        """Return new recovery codes; the old ones are good for nothing from now on."""
        if account.totp is None:
            raise InputError(
                Problem("", "there is no second factor to recover"), meaning="Nothing was changed."
            )
        with self.teller.telling(
            Deed(
                "access.account.change",
                actor_of(account),
                subject_of(account),
                where,
                reason="recovery codes renewed",
            )
        ):
            return self._new_codes(account)

    def codes_left(self, account: Account) -> int:
        """Return how many recovery codes were not used yet."""
        return self.tickets.left(account.id, Purpose.RECOVERY, self.clock())

    def _new_codes(self, account: Account) -> tuple[str, ...]:
        codes = tuple(new_recovery_code() for _ in range(RECOVERY_CODES))
        ends = self.clock() + _FOREVER
        self.tickets.drop(account.id, Purpose.RECOVERY)
        self.tickets.add(
            [Ticket(recovery_digest(account.id, code), Purpose.RECOVERY, account.id, ends) for code in codes]
        )
        return codes

    def _offered(self, account: Account, sealed: str) -> bytes:
        try:
            return self.box.open(bytes.fromhex(sealed[:400]), _offered_to(account))
        except Exception:  # noqa: BLE001 - whatever is wrong with what came back, it is not what was offered
            raise InputError(
                Problem("sealed", "is not what was offered"),
                meaning="Nothing was changed.",
                remedy="Begin again.",
            ) from None


def _offered_to(account: Account) -> str:
    """Return whom an offer is for: this account, before it had a factor."""
    return f"offer:{account.id}"
