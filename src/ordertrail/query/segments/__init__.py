"""Sealed columnar segments: perfect subtrees of a log as columns, for questions over years.

``manifest`` is what is known of a segment, ``bloom`` which orders may be in it, ``pruning`` which segments a filter
needs; ``planning`` says what is to be made next and ``building`` makes it; ``checking`` holds segments against the log.
"""
