"""Time-stamp authorities (RFC 3161, with RFC 5816)."""
