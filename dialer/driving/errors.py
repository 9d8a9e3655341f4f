"""Too many errors: what the engine looks at to pause a channel before it burns its list."""

from __future__ import annotations

from collections.abc import Iterable

from dialer.statements import rows

LAST_ATTEMPTS = 20

# A channel's last calls that were placed and are over, since it was started or resumed.
ERRING = """
SELECT channel.id, last.errors, last.cause
FROM unnest(%(channels)s::bigint[]) AS channel (id)
JOIN campaigns_channeldrive AS drive ON drive.channel_id = channel.id
JOIN campaigns_channel AS driven ON driven.id = channel.id
CROSS JOIN LATERAL (
    SELECT count(*) AS calls, count(*) FILTER (WHERE is_error) AS errors,
           (array_agg(hangup_cause ORDER BY id DESC) FILTER (WHERE is_error))[1] AS cause
    FROM (
        SELECT id, is_error, hangup_cause FROM dialer_call
        WHERE channel_id = channel.id AND run = driven.run AND NOT is_live AND outcome <> 'withdrawn'
            AND (drive.trusted_since IS NULL OR created_at >= drive.trusted_since)
        ORDER BY id DESC LIMIT %(last)s
    ) AS recent
) AS last
WHERE last.calls = %(last)s AND last.errors * 2 > %(last)s
"""


def erring_channels(channels: Iterable[int]) -> list[tuple[int, int, str]]:
    """Of these channels, those with errors in more than half of their last 20 attempts:
    the channel, how many errors, and the newest one's cause."""
    asked = sorted(channels)
    if not asked:
        return []
    found = rows(ERRING, {"channels": asked, "last": LAST_ATTEMPTS})
    return [(channel_id, errors, cause or "no reason given") for channel_id, errors, cause in found]
