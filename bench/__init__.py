"""The benchmark: every figure that the project claims, measured; run it with ``make bench``.

A regular package, so that no other ``bench.py`` on the path of a process can take its place.
"""
