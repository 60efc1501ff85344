"""The page of the accounts that stand in the bills."""
