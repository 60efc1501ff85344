"""Who may sign in, and how: accounts, links, tokens, and what holds guessers up."""
