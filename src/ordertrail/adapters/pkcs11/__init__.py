"""Private keys in a hardware security module, spoken to by PKCS #11 (OASIS, version 2.40 and 3.0)."""
