"""The explorer: a question, its chart and table, and the way down to single charges."""
