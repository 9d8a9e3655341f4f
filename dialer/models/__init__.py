from dialer.models.call import Call, CallEvent, Outcome, Recording, Transcript
from dialer.models.count import CallCount
from dialer.models.engine import CarrierAccount, Driver

__all__ = [
    "Call",
    "CallCount",
    "CallEvent",
    "CarrierAccount",
    "Driver",
    "Outcome",
    "Recording",
    "Transcript",
]
