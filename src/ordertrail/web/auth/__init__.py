"""Who asks, over HTTP.

``admission`` is the one dependency of every address, ``observing`` puts reads on record, ``scoping`` narrows what is
asked to what somebody may see, ``csrf`` keeps other sites' forms out, ``routes`` are the addresses to sign in and out.
"""
