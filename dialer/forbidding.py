"""What forbids a call that was claimed already, as of a statement's own snapshot."""

from __future__ import annotations

from contacts.queries import DNC_FORBIDS_CALLS

# A condition on ``call``, however it was claimed. The claim asks the same of contacts (driving/claim.py).
FORBIDDEN = f"""
    EXISTS (
        SELECT FROM contacts_donotcontact AS dnc
        WHERE dnc.phone_number = call.to_number AND {DNC_FORBIDS_CALLS}
    )
    OR EXISTS (
        SELECT FROM campaigns_campaignexclusion AS exclusion
        JOIN contacts_membership AS member ON member.list_id = exclusion.list_id
        WHERE exclusion.campaign_id = call.campaign_id
            AND member.contact_id = call.contact_id AND member.removed_in IS NULL
    )
"""  # noqa: S608  (only a constant is put in)
