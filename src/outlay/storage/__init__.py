"""Buckets and folders: one way to list, read and copy files, whatever lies beneath. The only home of obstore."""

from outlay.storage.place import Place, StoredFile, Version, open_place
from outlay.storage.url import Location

__all__ = ["Location", "Place", "StoredFile", "Version", "open_place"]
