"""Bills that adaptors send over HTTP, body by body, in the Common Bill Format: what a body is, and what it changes."""
