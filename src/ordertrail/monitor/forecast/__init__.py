"""Foreseeing: how probable a breach of each open order is, how sure that is, why, and what would lower it.

``targets`` say what is foreseen, ``prefixes`` what is known of an order so far, ``training`` learns from the past,
``assurance`` says how far a model may be believed, ``scoring`` follows the log; ``forecast`` is what comes of it.
"""
