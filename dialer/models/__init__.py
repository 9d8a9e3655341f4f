from dialer.models.call import Call, CallEvent, Deed, Outcome, Recording, Transcript, UnwantedFile
from dialer.models.count import CallCount
from dialer.models.engine import CarrierAccount, Driver

__all__ = [
    "Call",
    "CallCount",
    "CallEvent",
    "CarrierAccount",
    "Deed",
    "Driver",
    "Outcome",
    "Recording",
    "Transcript",
    "UnwantedFile",
]
