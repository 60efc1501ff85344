"""What Outlay remembers between runs, in SQLite or PostgreSQL: a Django app."""
