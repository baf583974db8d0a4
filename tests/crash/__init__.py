"""Proofs by killing: whatever moment a process ends at, nothing acknowledged is lost and nothing doubled."""
