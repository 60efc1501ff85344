"""The REST API under `/api/v1`: thin, like the commands, and with their JSON. Tokens only; it knows no session."""
