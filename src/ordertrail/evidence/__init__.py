"""What is taken out as evidence: bundles that prove themselves, cases, samples, and who had what in hand."""
