"""What to do about a forecast: suggested, decided by a person or within a mandate, carried out once, and judged after.

``catalogue`` are the actions that there are, with what they cost and bring; ``suggesting`` chooses the best for a
forecast; ``suggestion`` is one with its life, ``lifecycle`` what is done with it, ``telling`` its events; ``mandate``
lets named safe actions run by themselves; ``effect`` compares what came of them; ``service`` is what programs are
handed.
"""
