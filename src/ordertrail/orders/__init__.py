"""The canonical order: what every channel's order becomes, what may happen to it, and what it adds up to. Pure: no I/O.

``model`` is the order and its parts are beside it (``party``, ``lines``, ``adjustments``, ``amounts``, ``payment``,
``fulfilment``, ``returns``, ``reference``, ``extensions``); ``format`` reads and writes it; ``totals`` adds it up;
``lifecycle`` has its state machines and ``moving`` takes an order through them; ``diff`` tells two orders apart and
``meaning`` says which action of the catalogue each difference is; ``ports`` is how orders are kept.
"""
