from dialer.models.call import Call, CallEvent, CallState, Outcome, Recording, Transcript
from dialer.models.engine import CarrierAccount, Driver

__all__ = [
    "Call",
    "CallEvent",
    "CallState",
    "CarrierAccount",
    "Driver",
    "Outcome",
    "Recording",
    "Transcript",
]
