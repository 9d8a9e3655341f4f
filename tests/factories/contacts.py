from __future__ import annotations

import factory

from contacts.models import Contact, DoNotContact, List, ListVersion, Membership, ZoneSet

SAN_FRANCISCO = ("America/Los_Angeles",)


def zone_set(*names: str) -> ZoneSet:
    """The set of exactly these zones; without names, the empty one: zone unknown."""
    return ZoneSet.objects.get_or_create(zones=sorted(names))[0]


def phone_number(n: int) -> str:
    """The nth of 7 million valid US numbers, none of which forces an outcome in the simulator."""
    return f"+1415{200 + n // 9000 % 800}{1000 + n % 9000}"


class ZoneSetFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ZoneSet
        django_get_or_create = ("zones",)

    zones = factory.LazyFunction(lambda: list(SAN_FRANCISCO))


class ContactFactory(factory.django.DjangoModelFactory):
    """In San Francisco, unless given ``zone_set=zone_set("America/Denver")``."""

    class Meta:
        model = Contact

    phone_number = factory.Sequence(phone_number)
    first_name = factory.Iterator(["Anna", "Bilal", "Chloé", "Kwame", "Inès", "José", "Zoë", "Olu"])
    last_name = factory.Iterator(["Svensson", "Khan", "Perrin", "Mensah", "Moreau", "García", "Kim"])
    zone_set = factory.LazyFunction(lambda: zone_set(*SAN_FRANCISCO))


class ListFactory(factory.django.DjangoModelFactory):
    """``ListFactory(members=[contact, …])`` or ``ListFactory(members=5)``: version 1 holds them."""

    class Meta:
        model = List
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"List {n}")

    @factory.post_generation
    def members(self, create, extracted, **kwargs):
        if not create or not extracted:
            return
        contacts = ContactFactory.create_batch(extracted) if isinstance(extracted, int) else extracted
        ListVersion.objects.create(list=self, number=1, added=len(contacts), size=len(contacts))
        Membership.objects.bulk_create(
            Membership(list=self, contact=contact, added_in=1) for contact in contacts
        )
        self.version, self.size = 1, len(contacts)
        self.save(update_fields=["version", "size"])


class DoNotContactFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = DoNotContact

    phone_number = factory.Sequence(lambda n: phone_number(1_000_000 + n))
    reason = "asked not to be called"
