"""Every port in memory, for tests and for trying things out: the guarantees of the port, but for one.

Nothing here outlives its process, so nothing is durable. All else holds as the ports say, errors by type
included: the conformance suites run against these as against the real ones. All are safe to share between
threads; "two processes" are two users of one object.
"""
