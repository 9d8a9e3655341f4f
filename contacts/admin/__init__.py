"""Contacts for support staff: any record can be looked up; statuses move only through services."""

from contacts.admin import contacts, do_not_contact, imports, lists

__all__ = ["contacts", "do_not_contact", "imports", "lists"]
