"""The worker: claims connections that are due and brings in what changed, until it is asked to end."""
