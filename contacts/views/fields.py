"""Custom fields: what contacts have besides name, number and address."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import editor_required, reader_required
from contacts.forms.contacts import FieldForm
from contacts.models import Contact, CustomField
from contacts.services import Refused, add_field, delete_field, edit_field
from contacts.services.fields import contacts_with
from contacts.views.request import Request
from interface.toasts import toast


@require_http_methods(["GET", "HEAD", "POST"])
@reader_required
def fields(request: Request) -> HttpResponse:
    """All of them, as prompts write them; a POST adds one."""
    if request.method == "POST" and not request.user.may_edit:
        raise PermissionDenied
    form = FieldForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = add_field(**form.cleaned_data)
        except Refused as refused:
            form.add_error("label", str(refused))
        else:
            toast(request, f"“{made.label}” was added. Prompts write it as {{{{ {made.name} }}}}.")
            return redirect("contacts:fields")
    context = {
        "section": "contacts",
        "tab": "fields",
        "fields": CustomField.objects.all(),
        "standard": list(Contact().template_fields()),
        "form": form,
    }
    return render(request, "contacts/fields.html", context, status=422 if form.errors else 200)


@require_safe
@reader_required
def count(request: Request, pk: int) -> HttpResponse:
    """How many contacts have a field: a fragment of its own, since all of them are read for it."""
    found = get_object_or_404(CustomField, pk=pk)
    return render(request, "contacts/fields_count.html", {"count": contacts_with(found.name)})


@require_http_methods(["GET", "HEAD", "POST"])
@editor_required
def edit(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(CustomField, pk=pk)
    first = {"label": found.label, "kind": found.kind, "description": found.description}
    form = FieldForm(request.POST or None, initial=first)
    if request.method == "POST" and form.is_valid():
        try:
            edit_field(field=found, **form.cleaned_data)
        except Refused as refused:
            form.add_error("label", str(refused))
        else:
            toast(request, f"“{found.label}” was saved.")
            return redirect("contacts:fields")
    context = {"section": "contacts", "custom_field": found, "form": form}
    return render(request, "contacts/fields_edit.html", context, status=422 if form.errors else 200)


@require_POST
@editor_required
def delete(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(CustomField, pk=pk)
    try:
        delete_field(field=found, typed=request.POST.get("typed", ""))
    except Refused as refused:
        toast(request, str(refused), level=30)
        return redirect("contacts:field_edit", pk=pk)
    toast(request, f"“{found.label}” was deleted. Its values are taken off all contacts in the background.")
    return redirect("contacts:fields")
