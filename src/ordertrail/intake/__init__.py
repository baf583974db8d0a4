"""The second door: orders and their changes from every sales channel become one consistent model, or a dead letter.

::

    receive -> authenticate -> land -> deduplicate -> read -> sequence -> validate -> accept | hold | dead letter

``delivery`` is what arrives and ``channel`` what reads it, one module each in ``channels``; ``document`` reads a
source's document and remembers what of it was read, so that nothing of it is lost; ``message`` is what a delivery
tells: an order as it is now, an ``amendment`` of one, or something else; ``faults`` say what is wrong and where.

The flow is a pure core and ports. ``receiving`` is the door; ``processing`` the worker, which reads (``reading``),
decides (``deciding``, ``restating``, ``catching_up``) and settles (``settling``); ``events`` says what is told of it.
``states``, ``backoff`` and ``breaker`` are its rules, ``repair``, ``impact`` and ``health`` what people see and do, and
``ports`` what all of it asks of the outside world. ``service`` is intake as programs are handed it.
"""
