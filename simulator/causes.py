"""Why calls end: the carrier's hang-up causes and what they mean for a call's status.

Codes and names: the carrier's page "Hangup causes" (docs.plivo.com/docs/voice/troubleshooting/hangup-causes).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    code: int
    name: str
    switch_name: str
    """HangupCause of the webhook: the older, switch-style word."""
    status: str
    """CallStatus of the hang-up webhook where the call had not been answered."""


CAUSES = {
    cause.code: cause
    for cause in (
        Cause(0, "Unknown", "UNKNOWN", "failed"),
        Cause(1000, "Canceled", "ORIGINATOR_CANCEL", "cancel"),
        Cause(1010, "Canceled (Out Of Credits)", "ORIGINATOR_CANCEL", "failed"),
        Cause(2000, "Invalid Destination Address", "INVALID_NUMBER_FORMAT", "failed"),
        Cause(2010, "Destination Out Of Service", "DESTINATION_OUT_OF_ORDER", "failed"),
        Cause(2020, "Endpoint Not Registered", "USER_NOT_REGISTERED", "failed"),
        Cause(3000, "No Answer", "NO_ANSWER", "no-answer"),
        Cause(3010, "Busy Line", "USER_BUSY", "busy"),
        Cause(3020, "Rejected", "CALL_REJECTED", "busy"),
        Cause(3040, "Forbidden", "CALL_REJECTED", "failed"),
        Cause(3050, "Unallocated Number", "UNALLOCATED_NUMBER", "failed"),
        Cause(3070, "Request Timeout", "RECOVERY_ON_TIMER_EXPIRE", "failed"),
        Cause(3080, "Internal Error From Carrier", "NORMAL_TEMPORARY_FAILURE", "failed"),
        Cause(3090, "Network Congestion From Carrier", "SWITCH_CONGESTION", "failed"),
        Cause(3110, "Declined", "CALL_REJECTED", "busy"),
        Cause(3130, "Spam Block", "CALL_REJECTED", "failed"),
        Cause(3140, "Do Not Originate", "CALL_REJECTED", "failed"),
        Cause(4000, "Normal Hangup", "NORMAL_CLEARING", "completed"),
        Cause(4010, "End Of XML Instructions", "NORMAL_CLEARING", "completed"),
        Cause(4020, "Multiparty Call Ended", "NORMAL_CLEARING", "completed"),
        Cause(4030, "Kicked Out Of Multiparty Call", "NORMAL_CLEARING", "completed"),
        Cause(5000, "Network Error", "NETWORK_OUT_OF_ORDER", "failed"),
        Cause(5010, "Internal Error", "NORMAL_TEMPORARY_FAILURE", "failed"),
        Cause(5020, "Routing Error", "NO_ROUTE_DESTINATION", "failed"),
        Cause(5030, "Concurrency Limit Breached", "SWITCH_CONGESTION", "failed"),
        Cause(6000, "Scheduled Hangup", "ALLOTTED_TIMEOUT", "completed"),
        Cause(6010, "Ring Timeout Reached", "NO_ANSWER", "timeout"),
        Cause(7011, "Error Reaching Answer URL", "NORMAL_CLEARING", "failed"),
        Cause(7012, "Error Reaching Action URL", "NORMAL_CLEARING", "failed"),
        Cause(7013, "Error Reaching Transfer URL", "NORMAL_CLEARING", "failed"),
        Cause(7014, "Error Reaching Redirect URL", "NORMAL_CLEARING", "failed"),
        Cause(7022, "Invalid Action URL", "NORMAL_CLEARING", "failed"),
        Cause(7023, "Invalid Transfer URL", "NORMAL_CLEARING", "failed"),
        Cause(7024, "Invalid Redirect URL", "NORMAL_CLEARING", "failed"),
        Cause(7032, "Invalid Method For Action URL", "NORMAL_CLEARING", "failed"),
        Cause(7033, "Invalid Method For Transfer URL", "NORMAL_CLEARING", "failed"),
        Cause(7034, "Invalid Method For Redirect URL", "NORMAL_CLEARING", "failed"),
        Cause(8011, "Invalid Answer XML", "NORMAL_CLEARING", "failed"),
        Cause(8012, "Invalid Action XML", "NORMAL_CLEARING", "failed"),
        Cause(8013, "Invalid Transfer XML", "NORMAL_CLEARING", "failed"),
        Cause(8014, "Invalid Redirect XML", "NORMAL_CLEARING", "failed"),
        Cause(9000, "Lost Race", "LOSE_RACE", "cancel"),
        Cause(9100, "Machine Detected", "NORMAL_CLEARING", "completed"),
        Cause(9110, "Confirm Key Challenge Failed", "NORMAL_CLEARING", "failed"),
    )
}

UNKNOWN = CAUSES[0]

# Who hung up, in the carrier's words.
CALLEE = "Callee"
CARRIER = "Carrier"
PLATFORM = "Plivo"
API = "API Request"
ANSWER_XML = "Answer XML"
ERROR = "Error"
