"""NATS JetStream: a way in for deliveries, and what carries events from applications to the ledger."""
