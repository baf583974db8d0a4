"""The registry of models: what was learned, from which data, by whom, and who else said that it may be used.

``record`` is a model as it stands with its one life, ``card`` what its users must know, ``provenance`` names code and
packages by their hashes, ``register`` folds the governance log, and ``registry`` is what programs are handed.
"""
