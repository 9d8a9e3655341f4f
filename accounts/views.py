"""Logging in and out, and one's own password."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator

from accounts.forms import LogInForm
from interface.toasts import toast

REMEMBERED_SECONDS = 30 * 24 * 3600


@method_decorator(login_not_required, name="dispatch")
class LogIn(auth.LoginView):
    form_class = LogInForm
    template_name = "accounts/login.html"
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.method == "GET" and request.headers.get("HX-Request") == "true":
            # A fragment asked for after the session ended: the whole page has to log in again.
            response = HttpResponse()
            here = urlsplit(request.headers.get("HX-Current-URL", ""))
            path = f"{here.path}?{here.query}" if here.query else here.path
            query = urlencode({"next": path or "/"})
            response.headers["HX-Redirect"] = f"{reverse('login')}?{query}"
            return response
        return super().dispatch(request, *args, **kwargs)

    def get_default_redirect_url(self) -> str:
        # Not everybody's place is the campaign manager.
        return reverse("home")

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        # Otherwise the session ends with the browser.
        self.request.session.set_expiry(REMEMBERED_SECONDS if form.cleaned_data["remember"] else 0)
        return response

    def form_invalid(self, form: Form) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


class ChangePassword(auth.PasswordChangeView):
    template_name = "accounts/password.html"
    success_url = reverse_lazy("home")

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        toast(self.request, "Your password was changed.")
        return super().form_valid(form)

    def form_invalid(self, form: Form) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


@login_not_required
def admin_log_in(request: HttpRequest) -> HttpResponse:
    """Django's admin has a log-in page of its own; ours counts wrong passwords."""
    if request.user.is_authenticated and not request.user.is_staff:
        # Logged in already, and sent here because the admin is not for them.
        raise PermissionDenied
    query = urlencode({"next": request.GET.get("next") or reverse("admin:index")})
    return HttpResponseRedirect(f"{reverse(settings.LOGIN_URL)}?{query}")
