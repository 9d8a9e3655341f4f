"""Campaigns for support staff: any record can be looked up, and settings mended while a channel may be
edited. Statuses are read-only; moves go through the services that the dashboard calls."""

from campaigns.admin import campaigns, channels, destinations, enrollments

__all__ = ["campaigns", "channels", "destinations", "enrollments"]
