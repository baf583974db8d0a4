"""A quarter of trade with scripted frauds in it, for tests of what watches.

``people`` are who works there, ``trade`` is what they do all day, ``scripts`` are the frauds, and ``quarter`` puts all
of it into the sequence of times. The same arguments tell the same quarter, ids included.
"""
