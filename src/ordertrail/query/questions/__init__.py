"""What an auditor asks, one module a question; each pure over the ports of the room."""
