from django.apps import AppConfig

from interface.schedules import each_minute

# As of dialer.apps.
SCHEDULES = {"Keep the contacts’ house": ("contacts.tasks.keep_house", None)}


class ContactsConfig(AppConfig):
    name = "contacts"

    def ready(self) -> None:
        each_minute(self, SCHEDULES)
