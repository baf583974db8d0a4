"""NATS JetStream as a way in: a subject for each source, explicit acknowledgement, redelivery."""
