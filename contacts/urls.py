from django.urls import path

from contacts.views import contacts, do_not_contact, fields, imports, lists

app_name = "contacts"

urlpatterns = [
    path("", contacts.contacts, name="contacts"),
    path("new/", contacts.new, name="new"),
    path("export/", contacts.export, name="export"),
    path("chosen/<slug:operation>/", contacts.chosen, name="chosen"),
    path("fields/", fields.fields, name="fields"),
    path("fields/<int:pk>/", fields.edit, name="field_edit"),
    path("fields/<int:pk>/count/", fields.count, name="field_count"),
    path("fields/<int:pk>/delete/", fields.delete, name="field_delete"),
    path("<int:pk>/", contacts.contact, name="contact"),
    path("<int:pk>/edit/", contacts.edit, name="edit"),
    path("<int:pk>/do-not-contact/", contacts.forbid, name="forbid"),
    path("import/", imports.new, name="import_new"),
    path("imports/", imports.imports, name="imports"),
    path("imports/<int:pk>/", imports.detail, name="import"),
    path("imports/<int:pk>/retry/", imports.retry, name="import_retry"),
    path("imports/<int:pk>/cancel/", imports.cancel, name="import_cancel"),
    path("imports/<int:pk>/undo/", imports.undo, name="import_undo"),
    path("imports/<int:pk>/rejected.csv", imports.rejected, name="import_rejected"),
    path("lists/", lists.lists, name="lists"),
    path("lists/<int:pk>/", lists.detail, name="list"),
    path("lists/<int:pk>/edit/", lists.edit, name="list_edit"),
    path("lists/<int:pk>/delete/", lists.delete, name="list_delete"),
    path("lists/<int:pk>/numbers/", lists.numbers, name="list_numbers"),
    path("lists/<int:pk>/export/", lists.export, name="list_export"),
    path("lists/<int:pk>/versions/", lists.versions, name="list_versions"),
    path("lists/<int:pk>/versions/<int:number>/", lists.version, name="list_version"),
    path("lists/<int:pk>/<slug:operation>/", lists.operate, name="list_operation"),
    path("do-not-contact/", do_not_contact.entries, name="do_not_contact"),
    path("do-not-contact/remove/", do_not_contact.remove, name="do_not_contact_remove"),
    path("do-not-contact/removed/", do_not_contact.removed, name="do_not_contact_removed"),
    path("do-not-contact/export.csv", do_not_contact.export, name="do_not_contact_export"),
]
