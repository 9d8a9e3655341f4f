from contacts.models.contact import Contact, ZoneSet, zones_of
from contacts.models.do_not_contact import DoNotContact
from contacts.models.imports import Import, ImportStatus, RejectedRow
from contacts.models.lists import List, ListVersion, Membership

__all__ = [
    "Contact",
    "DoNotContact",
    "Import",
    "ImportStatus",
    "List",
    "ListVersion",
    "Membership",
    "RejectedRow",
    "ZoneSet",
    "zones_of",
]
