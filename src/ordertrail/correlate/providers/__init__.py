"""What reads the deliveries of each payment gateway and carrier: one module a provider."""
