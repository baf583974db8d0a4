"""Long work in pieces, done by workers of whatever kind: the same result, and a lost worker costs its piece."""
