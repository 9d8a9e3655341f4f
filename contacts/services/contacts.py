"""What may be done with contacts."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from contacts.models import Contact
from contacts.phone_numbers import possible_zones
from contacts.refusals import Refused
from contacts.zones import zone_set_for


@transaction.atomic
def edit_contact(
    *,
    contact: Contact,
    first_name: str,
    last_name: str,
    email: str,
    company: str,
    time_zone: str,
    fields: dict[str, str],
) -> None:
    """Change what is known of a person. Without ``time_zone`` (an IANA name), the number's zones count.

    Raises ``Refused`` when a person without a number takes the address of another one.
    """
    contact.first_name, contact.last_name, contact.company = first_name, last_name, company
    contact.email = email.lower() or None
    contact.fields = fields
    contact.time_zone = time_zone
    zones = (
        (time_zone,) if time_zone else possible_zones(contact.phone_number) if contact.phone_number else ()
    )
    contact.zone_set = zone_set_for(zones)
    try:
        with transaction.atomic():
            contact.save(
                update_fields=[
                    "first_name",
                    "last_name",
                    "company",
                    "email",
                    "fields",
                    "time_zone",
                    "zone_set",
                    "updated_at",
                ]
            )
    except IntegrityError:
        raise Refused("Another contact without a number has this email address.") from None
