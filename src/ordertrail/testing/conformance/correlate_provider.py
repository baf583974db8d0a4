"""What correlation relies on in a provider of payments or parcels.

::

    from ordertrail.testing.conformance.correlate_provider import check_provider

    def test_acme():
        check_provider(AcmePay(), [delivery_of(path) for path in payloads])
"""

from collections.abc import Sequence
from dataclasses import replace

from ordertrail.correlate.observation import Facts
from ordertrail.correlate.provider import Provider
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.faults import FaultyError
from ordertrail.intake.message import Faulty, Foreign
from ordertrail.intake.signatures.catalogue import SCHEMES
from ordertrail.kernel.clock import canonical_time
from ordertrail.record.values import identifier_problem

_NOT_DOCUMENTS = (b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": 1, "a": 2}', b"<a>")


def check_provider(provider: Provider, deliveries: Sequence[Delivery]) -> int:
    """Hold a provider against what correlation relies on, with payloads of its own; return how many facts they tell."""
    assert provider.signature in SCHEMES, "it names the scheme that it signs by"
    facts = 0
    for delivery in deliveries:
        first, second = list(provider.read(delivery)), list(provider.read(delivery))
        assert first == second, "the same delivery always tells the same"
        assert provider.delivery_id(delivery) == provider.delivery_id(delivery)
        for one in first:
            match one.content:
                case Facts(told):
                    assert told, "facts are some, or the part is something else"
                    facts += len(told)
                    for fact in told:
                        assert fact.system == delivery.source.channel
                        assert fact.account == delivery.source.account
                        assert fact.tenant == delivery.source.tenant
                        assert canonical_time(fact.time) == fact.time, "times are in their one spelling"
                        assert all(identifier_problem(text) is None for text in (fact.thing, fact.system))
                        assert all(identifier_problem(link.id) is None for link in fact.links)
                case Foreign(kind, reason):
                    assert kind, "what is foreign says what it is"
                    assert reason, "and why it tells of nothing"
                case Faulty(faults):
                    assert faults, "what cannot be read says why"
    if deliveries:
        for body in _NOT_DOCUMENTS:
            odd = replace(deliveries[0], body=body)
            assert provider.delivery_id(odd) is None or provider.delivery_id(odd), "it must not raise"
            try:
                for one in provider.read(odd):
                    assert not isinstance(one.content, Facts), "what is no document tells of nothing"
            except FaultyError:
                pass
    return facts
