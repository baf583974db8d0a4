"""For those who test with OrderTrail or against it: conformance suites, tamper tools, order stories."""
