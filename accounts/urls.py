from django.contrib.auth import views as auth
from django.urls import path

from accounts import saved_view_pages as saved_views
from accounts import views

urlpatterns = [
    path("login/", views.LogIn.as_view(), name="login"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("views/<slug:page>/new/", saved_views.new, name="view_new"),
    path("views/<int:view_id>/", saved_views.change, name="view_change"),
    path("views/<int:view_id>/delete/", saved_views.delete, name="view_delete"),
    path("password/", views.ChangePassword.as_view(), name="password"),
    # Before the admin's own, which it replaces.
    path("admin/login/", views.admin_log_in, name="admin_login"),
]
