"""What may be done with contacts, lists, imports and the do-not-contact list."""

from contacts.refusals import Refused
from contacts.services.contacts import CALLED, KnownAlready, NumberStays, create_contact, edit_contact
from contacts.services.deleting import MOST_DELETED, Deletable, count_deletable, delete_contacts
from contacts.services.do_not_contact import (
    DoNotContactAdded,
    add_lines_to_do_not_contact,
    add_to_do_not_contact,
    remove_from_do_not_contact,
    remove_those_over,
)
from contacts.services.erasing import forget_contact, rejected_by_name, waiting_uploads
from contacts.services.fields import add_field, delete_field, edit_field
from contacts.services.imports import (
    cancel_import,
    enqueue_import,
    guessed_mapping,
    inspect_import,
    known_mapping,
    map_import,
    retry_import,
    upload_import,
)
from contacts.services.lists import (
    add_to_list,
    add_to_new_list,
    copy_list,
    create_list,
    delete_list,
    forbid_contacts,
    hold_lists_of,
    intersect_lists,
    merge_lists,
    remove_from_list,
    rename_list,
    split_list,
    subtract_list,
)
from contacts.services.numbers import MAX_TYPED_LINES, InvalidLine, NumbersAdded, add_numbers
from contacts.services.undoing import Undoing, enqueue_undoing, extent_of_undoing, undo_import

__all__ = [
    "CALLED",
    "MAX_TYPED_LINES",
    "MOST_DELETED",
    "Deletable",
    "DoNotContactAdded",
    "InvalidLine",
    "KnownAlready",
    "NumberStays",
    "NumbersAdded",
    "Refused",
    "Undoing",
    "add_field",
    "add_lines_to_do_not_contact",
    "add_numbers",
    "add_to_do_not_contact",
    "add_to_list",
    "add_to_new_list",
    "cancel_import",
    "copy_list",
    "count_deletable",
    "create_contact",
    "create_list",
    "delete_contacts",
    "delete_field",
    "delete_list",
    "edit_contact",
    "edit_field",
    "enqueue_import",
    "enqueue_undoing",
    "extent_of_undoing",
    "forbid_contacts",
    "forget_contact",
    "guessed_mapping",
    "hold_lists_of",
    "inspect_import",
    "intersect_lists",
    "known_mapping",
    "map_import",
    "merge_lists",
    "rejected_by_name",
    "remove_from_do_not_contact",
    "remove_from_list",
    "remove_those_over",
    "rename_list",
    "retry_import",
    "split_list",
    "subtract_list",
    "undo_import",
    "upload_import",
    "waiting_uploads",
]
