"""How bills lie in buckets: from one listing to the deliveries in it."""

from outlay.layouts.base import Bucket, Candidate, Delivery, Export, Layout, Survey
from outlay.layouts.registry import KINDS, check_location, homes_of, recognised, survey

__all__ = [
    "KINDS",
    "Bucket",
    "Candidate",
    "Delivery",
    "Export",
    "Layout",
    "Survey",
    "check_location",
    "homes_of",
    "recognised",
    "survey",
]
