from __future__ import annotations

from django.urls import path

from analytics.views import calls, erasing, figures, listings, live, recordings, remarketing

app_name = "analytics"

urlpatterns = [
    path("campaigns/<int:campaign_id>/results/", listings.results, name="results"),
    path("campaigns/<int:campaign_id>/results/count/", live.results_count, name="results_count"),
    path("campaigns/<int:campaign_id>/analytics/", figures.analytics, name="analytics"),
    path("campaigns/<int:campaign_id>/analytics/export/", figures.export, name="export_analytics"),
    path("campaigns/compare/", figures.compare, name="compare"),
    path("campaigns/compare/export/", figures.export_comparison, name="export_comparison"),
    path("channels/<int:channel_id>/pace/", live.pace, name="pace"),
    path("campaigns/<int:campaign_id>/results/export/", listings.export_results, name="export_results"),
    path(
        "campaigns/<int:campaign_id>/results/new-channel/", remarketing.from_results, name="remarket_results"
    ),
    path("history/new-channel/", remarketing.from_history, name="remarket_history"),
    path("channels/<int:channel_id>/new-channel/", remarketing.from_contacts, name="remarket_contacts"),
    path("history/", listings.history, name="history"),
    path("history/export/", listings.export_history, name="export_history"),
    path("calls/<int:call_id>/", calls.call, name="call"),
    path("calls/<int:call_id>/disposition/", calls.disposition, name="disposition"),
    path("calls/<int:call_id>/notes/", calls.notes, name="notes"),
    path("calls/<int:call_id>/recording/", recordings.recording, name="recording"),
    path("calls/<int:call_id>/recording/peaks/", recordings.recording_peaks, name="peaks"),
    path("contacts/<int:contact_id>/erase/", erasing.erase, name="erase_contact"),
    path("contacts/<int:contact_id>/history/", listings.contact_history, name="contact_history"),
]
