"""Looking for what rules ask: over events as they come in, and over the past.

``seen`` is what is kept of events, ``window`` decides whether a correlation is hot at one, ``correlator`` keeps the
windows of one correlation, ``engine`` leads each event past the rules that may mean it, and ``backtest`` does the same
with the past.
"""
