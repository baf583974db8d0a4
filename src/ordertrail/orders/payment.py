"""How an order is paid: payments and what was done with each. schema.org Invoice, Order; UBL cac:PaymentMeans."""

from enum import StrEnum

from ordertrail.kernel.money import Money
from ordertrail.orders.part import Part
from ordertrail.orders.reference import Reference
from ordertrail.orders.statuses import PaymentStatus
from ordertrail.orders.words import Id, Time


class TransactionKind(StrEnum):
    """What was done with money."""

    AUTHORIZATION = "authorization"
    """Set aside at the buyer's bank."""
    CAPTURE = "capture"
    """Taken, of what was set aside."""
    SALE = "sale"
    """Set aside and taken at once."""
    CAPTURE_REVERSAL = "capture_reversal"
    """What was taken turned out not to be (Adyen CAPTURE_FAILED)."""
    VOID = "void"
    """What was set aside was let go."""
    EXPIRY = "expiry"
    """What was set aside was let go by the bank (Adyen EXPIRE)."""
    REFUND = "refund"
    """Given back."""
    REFUND_REVERSAL = "refund_reversal"
    """What was given back came back (Adyen REFUNDED_REVERSED, Stripe refund.failed)."""
    CHARGEBACK = "chargeback"
    """Taken back by the buyer's bank."""
    CHARGEBACK_REVERSAL = "chargeback_reversal"
    """The bank gave it to us again (Adyen CHARGEBACK_REVERSED, a Stripe dispute that is won)."""


class TransactionStatus(StrEnum):
    """What became of it."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"


class Transaction(Part, frozen=True):
    """One thing done with a payment's money."""

    id: Id
    """Unique within the payment."""
    kind: TransactionKind
    """What was done."""
    status: TransactionStatus
    """Whether it succeeded; only then does it count."""
    amount: Money
    """How much, in minor units, not negative: the kind says which way it went."""
    at: Time | None = None
    """When, by the gateway's clock."""
    reference: Id | None = None
    """The gateway's id of it: Stripe charge or refund, Adyen pspReference."""
    parent: Id | None = None
    """The transaction of this payment that it refers to: a capture's authorization, a refund's capture."""
    reason: str | None = None
    """Why it failed or was given back."""


class Payment(Part, frozen=True):
    """One way in which the order is paid. UBL cac:PaymentMeans."""

    id: Id
    """Unique within the order. schema.org paymentMethodId; UBL cac:PaymentMeans/cbc:ID."""
    status: PaymentStatus
    """Where it stands, by :data:`ordertrail.orders.lifecycle.PAYMENT`. schema.org paymentStatus."""
    method: str | None = None
    """Card, invoice, transfer. schema.org paymentMethod; UBL cbc:PaymentMeansCode (UNCL4461)."""
    gateway: Id | None = None
    """Who handles it: ``stripe``, ``adyen``."""
    reference: Id | None = None
    """The gateway's id of it: a Stripe payment intent. UBL cbc:PaymentID."""
    amount: Money | None = None
    """What is to be paid this way, in minor units. UBL cac:PaymentTerms/cbc:Amount."""
    due: Time | None = None
    """schema.org paymentDueDate; UBL cbc:PaymentDueDate."""
    transactions: tuple[Transaction, ...] = ()
    """What was done with it, oldest first."""
    references: tuple[Reference, ...] = ()
    """What others call it."""
