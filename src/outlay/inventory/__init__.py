"""What runs: from what AWS shows to a history in the lake, and answers out of it."""
