"""The full check: re-hash everything, compare every copy, name the first wrong thing."""
