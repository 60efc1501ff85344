"""Pages of connections: the table, adding one, its own page, and its billing periods."""
