from __future__ import annotations

from django.urls import path

from dialer import views
from dialer.plivo.views import webhook

app_name = "hooks"

urlpatterns = [
    path("plivo/<int:call_id>/<slug:event>/", webhook, name="plivo"),
    path("assistant/<int:call_id>/", views.assistant, name="assistant"),
]
