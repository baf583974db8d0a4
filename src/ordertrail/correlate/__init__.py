"""The same order elsewhere: what payment gateways and carriers say of it, held against what we recorded.

1. **Observed** (:mod:`.observing`): a provider's webhook or log lands as a delivery of intake does, and is read by the
   provider's own module (:mod:`.providers`) into a small set of :mod:`.facts`, each an event of the trail.
2. **Matched** (:mod:`.matching`): a payment or a parcel is linked to an order where an id says so; what is only likely
   waits for a person. Each decision is an event, and can be undone.
3. **Reconciled** (:mod:`.reconciling`): what was promised, charged, shipped and given back is held together, by order.
4. **Seen together** (:mod:`.view`, :mod:`.skew`, :mod:`.export`): lanes by system, gaps, and how far clocks differ.
"""
