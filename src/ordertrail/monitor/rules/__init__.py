"""Rules: Sigma 2 over audit events, read strictly, told to Python and to the index.

``fields`` are what a rule may ask of an event, ``patterns`` texts that it looks for, ``expression`` and ``hours`` the
conditions over them, and ``narrowing`` what is left of these for one form of events. ``lines`` reads YAML with its
lines; ``detection``, ``correlation`` and ``custom`` read what pySigma parsed and what is ours, ``reading`` a whole file
of ``rule`` values. ``rulebook`` holds the rules of a trail together, ``words`` tells them in English; ``shipped`` are
those that every trail has.
"""
