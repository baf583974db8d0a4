"""What led to this? The causal story of an event: what is certain, what is inferred, and the likely roots."""
