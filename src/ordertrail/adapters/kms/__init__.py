"""Private keys in a key management service: signed with over the network, never seen."""
