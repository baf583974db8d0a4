"""Where messages go (Apprise, signed webhooks, a terminal, the pages), and the store of deliveries."""
