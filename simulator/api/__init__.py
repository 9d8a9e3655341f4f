"""The carrier's REST API."""
