from django.conf import settings
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("interface.urls")),
    path("", include("accounts.urls")),
    path("", include("analytics.urls")),
    path("", include("campaigns.urls")),
    path("contacts/", include("contacts.urls")),
    path("hooks/", include("dialer.urls")),
    path("admin/", admin.site.urls),
]

admin.site.site_header = admin.site.site_title = "Carillon"
admin.site.index_title = "Records"
admin.site.site_url = settings.PUBLIC_URL
