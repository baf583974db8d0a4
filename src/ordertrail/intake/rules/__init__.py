"""Validation: an order held against rules, in the context of its channel and account.

``rule`` is one rule and ``rulebook`` all of a deployment, read from TOML; ``expressions`` evaluates them (CEL) and
``checks`` are the functions that they may call; ``validator`` judges an order. ``record`` tells what became of the
orders that rules stopped, and so how often each was wrong; ``narrowing`` says how one could be wrong less often;
``backtest`` tries a changed rulebook on past traffic.
"""
