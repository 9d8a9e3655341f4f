from contacts.models.contact import Contact, ContactEvent, CustomField, Tally, ZoneSet, zones_of
from contacts.models.do_not_contact import DoNotContact, DoNotContactEvent, DoNotContactRemoval
from contacts.models.imports import Import, ImportStatus, RejectedRow, RememberedMapping
from contacts.models.lists import List, ListVersion, Membership

__all__ = [
    "Contact",
    "ContactEvent",
    "CustomField",
    "DoNotContact",
    "DoNotContactEvent",
    "DoNotContactRemoval",
    "Import",
    "ImportStatus",
    "List",
    "ListVersion",
    "Membership",
    "RejectedRow",
    "RememberedMapping",
    "Tally",
    "ZoneSet",
    "zones_of",
]
