"""Alerts: what becomes of what rules found.

``alert`` is one with its one lifecycle, ``lifecycle`` what people do with it, ``raising`` how findings become alerts,
``severity`` how grave they are, ``incidents`` which of them belong together, ``why`` says why one was raised, and
``telling`` makes the events by which the trail learns of each transition.
"""
