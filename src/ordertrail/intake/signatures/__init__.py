"""How sources prove that a delivery is theirs: each scheme by name, checked over the raw bytes and in constant time.

``scheme`` says what a scheme is; ``hmacs`` are those with a shared secret over the body, ``stamped`` those that sign
a time too, ``public`` those with a public key, ``enclosed`` those whose signature stands in the body, ``shared`` those
that only show a secret. ``catalogue`` names them all.
"""
