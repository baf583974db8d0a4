"""Behaviour: how unusual an order's course, a person's day and a channel's volume are, in sentences with numbers.

Nothing here knows what is wrong: it is unsupervised, and learns from what mostly happens. People decide.
"""
