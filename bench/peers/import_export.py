"""``python -m bench.peers.import_export FILE [WAY]``: the same import with django-import-export, as JSON.

Ways: ``defaults``, as its guide begins; ``unreported``, the same without a report of what each row changed;
``bulk``, built for speed: known contacts are loaded at once, new ones are created and changed ones updated
in bulk, nothing is compared for a report. In all of them what is unchanged is skipped, invalid rows and
duplicates are taken out before it sees them, so that it has less to do than ours, and all is one transaction,
with the memberships of the list.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import django

WAYS = ("defaults", "unreported", "bulk")


def measure(path: Path, *, way: str) -> dict[str, float]:
    """Seconds of the import, and what it did."""
    import phonenumbers
    import tablib
    from django.db import transaction
    from import_export import fields, resources, widgets
    from import_export.instance_loaders import CachedInstanceLoader, ModelInstanceLoader
    from phonenumbers.timezone import time_zones_for_number

    from contacts.models import Contact, List, ListVersion, Membership
    from contacts.zones import ZoneSets

    zone_sets = ZoneSets()
    in_bulk = way == "bulk"

    class ContactResource(resources.ModelResource):
        phone_number = fields.Field("phone_number", "phone_number")
        email = fields.Field("email", "email")
        first_name = fields.Field("first_name", "first_name")
        last_name = fields.Field("last_name", "last_name")
        company = fields.Field("company", "company")
        fields_ = fields.Field("fields", "fields", widget=widgets.JSONWidget())

        class Meta:
            model = Contact
            fields = ("phone_number", "email", "first_name", "last_name", "company", "fields_")
            import_id_fields = ("phone_number",)
            instance_loader_class = CachedInstanceLoader if in_bulk else ModelInstanceLoader
            use_bulk = in_bulk
            batch_size = 2000
            skip_unchanged = True
            report_skipped = way == "defaults"
            skip_diff = way != "defaults"

        def before_save_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
            zones = time_zones_for_number(phonenumbers.parse(instance.phone_number))
            instance.zone_set_id = zone_sets.id_for(zones)

    def normalised(written: str) -> str | None:
        try:
            number = phonenumbers.parse(written, "US")
        except phonenumbers.NumberParseException:
            return None
        if not phonenumbers.is_valid_number(number):
            return None
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

    began = time.monotonic()
    with path.open(encoding="utf-8", newline="") as file:
        rows = tablib.Dataset().load(file, format="csv")
    dataset = tablib.Dataset(
        headers=["phone_number", "email", "first_name", "last_name", "company", "fields"]
    )
    seen: set[str] = set()
    for phone, first, last, email, company, plan, ends in rows:
        number = normalised(phone)
        if number and number not in seen:
            seen.add(number)
            custom = json.dumps({"plan": plan, "plan_ends_on": ends})
            dataset.append((number, email.lower() or None, first, last, company, custom))
    with transaction.atomic():
        result = ContactResource().import_data(dataset, raise_errors=True)
        list_ = List.objects.create(name="Peer", version=1, size=len(seen))
        ListVersion.objects.create(list=list_, number=1, added=len(seen), size=len(seen))
        Membership.objects.bulk_create(
            (
                Membership(list=list_, contact_id=pk, added_in=1)
                for pk in Contact.objects.filter(phone_number__in=seen).values_list("pk", flat=True)
            ),
            batch_size=10_000,
        )
    return {"seconds": time.monotonic() - began, "created": result.totals["new"]}


if __name__ == "__main__":
    django.setup()
    print(json.dumps(measure(Path(sys.argv[1]), way=sys.argv[2] if len(sys.argv) > 2 else WAYS[0])))
