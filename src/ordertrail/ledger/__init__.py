"""The proof engine: hashing, Merkle trees, C2SP formats, the sequencer, the full check.

Everything that an offline check needs imports with only ``cryptography`` installed.
"""
