"""What there is in an account: each kind of resource is one file, and one row of the table in `kinds`."""
