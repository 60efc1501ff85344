"""The pages of what runs in the connected AWS accounts."""
