"""A thin client for Plivo: one request for one thing asked, and what came of it, exactly.

The SDK gives the session, the authentication and the shape of addresses. Its own resource methods are
not used for calls, because they send a POST again on any status ≥ 500 (one person, many calls) and
their exceptions carry no status. Clients are not thread-safe: ``client()`` gives one a thread.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import plivo
import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from dialer.carrier import (
    Accepted,
    AccountRefused,
    Ambiguous,
    CallOrder,
    CallRecord,
    CallRefused,
    LiveCall,
    NotFound,
    NotSent,
    Progress,
    SlowDown,
)
from dialer.plivo.addresses import webhook_url
from dialer.plivo.webhooks import is_local_time, record_ending

# Statuses by what they mean for the request (plivo.md of the design, and Plivo's documentation).
ACCOUNT_STATUSES = frozenset({401, 402, 403})
TOO_MANY = 429
REQUEST_STATUSES = frozenset({400, 405, 409, 422})
# No two zones are further apart: what a time without an offset may be off.
ZONES_APART = timedelta(hours=26)
# Seconds that the carrier holds a call at the longest; a lost hang-up must not cost a day.
TIME_LIMIT_SECONDS = 14_400


class PlivoClient:
    def __init__(self, *, auth_id: str, auth_token: str, api_url: str, timeouts: tuple[float, float]) -> None:
        self._sdk = plivo.RestClient(auth_id, auth_token)
        self._base_url = f"{api_url}/v1/Account/{auth_id}"
        self._timeouts = timeouts
        session: requests.Session = self._sdk.session
        # Read once: requests would look through the environment at every call.
        session.proxies.update(get_environ_proxies(api_url))
        session.trust_env = False
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=1, max_retries=0))

    def close(self) -> None:
        self._sdk.session.close()
        self._sdk.multipart_session.close()

    def _request(
        self,
        method: str,
        path: str,
        *,
        json: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Exactly one request. Returns the body of a 2xx; raises what else it was."""
        try:
            response = self._sdk.session.request(
                method,
                f"{self._base_url}/{path}/",
                json=json,
                params=query,
                timeout=self._timeouts,
                allow_redirects=False,
            )
        except requests.ConnectTimeout as error:
            raise NotSent(f"No connection to the carrier: {error}") from error
        except requests.ConnectionError as error:
            if _never_connected(error):
                raise NotSent(f"No connection to the carrier: {error}") from error
            raise Ambiguous(f"The connection to the carrier was lost: {error}") from error
        except requests.RequestException as error:
            raise Ambiguous(f"No answer from the carrier: {error}") from error
        status = response.status_code
        if 200 <= status < 300:
            return _body(response)
        message = f"{_error(response)} ({status})"
        if status == TOO_MANY:
            raise SlowDown(message)
        if status in ACCOUNT_STATUSES:
            raise AccountRefused(message, out_of_credit=status == 402)
        if status == 404:
            raise NotFound(message)
        if status in REQUEST_STATUSES:
            raise CallRefused(message)
        # Server errors; and what a proxy on the way may say, which tells nothing of the carrier.
        raise Ambiguous(message)

    def place(self, order: CallOrder) -> Accepted:
        """Ask for one call, once.

        Raises ``CallRefused``, ``SlowDown``, ``AccountRefused`` or ``NotSent`` when it was surely not
        placed, ``Ambiguous`` when nobody knows.
        """
        parameters: dict[str, Any] = {
            "from": order.from_number.lstrip("+"),
            "to": order.to_number.lstrip("+"),
            "answer_url": webhook_url(order.call_id, "answer"),
            "answer_method": "POST",
            "ring_url": webhook_url(order.call_id, "ring"),
            "ring_method": "POST",
            # Left out, the carrier would tell the answer URL.
            "hangup_url": webhook_url(order.call_id, "hangup"),
            "hangup_method": "POST",
            "ring_timeout": order.ring_timeout_seconds,
            "time_limit": TIME_LIMIT_SECONDS,
        }
        if order.detect_machine:
            # "hangup" would cut off humans taken for machines with nothing said: we decide ourselves.
            parameters |= {
                "machine_detection": "true",
                "machine_detection_url": webhook_url(order.call_id, "machine"),
                "machine_detection_method": "POST",
                "machine_detection_time": order.detection_timeout_ms,
                "machine_detection_maximum_speech_length": order.speech_threshold_ms,
                "machine_detection_silence": order.end_of_speech_ms,
                "machine_detection_initial_silence": order.initial_silence_ms,
            }
        try:
            body = self._request("POST", "Call", json=parameters)
        except NotFound as error:
            raise CallRefused(str(error)) from error
        request_id = body.get("request_uuid")
        if isinstance(request_id, list):
            request_id = request_id[0] if request_id else None
        if not isinstance(request_id, str) or not request_id:
            # Accepted, as the status says, but with an answer that can't be read.
            raise Ambiguous("The carrier's answer has no request_uuid.")
        return Accepted(request_id=request_id, is_queued="queued" in str(body.get("message", "")))

    def hang_up(self, carrier_id: str) -> None:
        """End a live call; one that has ended already is fine."""
        self._delete(f"Call/{carrier_id}")

    def cancel(self, request_id: str) -> None:
        """Take back a call that is still queued or ringing; one that is not is fine."""
        self._delete(f"Request/{request_id}")

    def _delete(self, path: str) -> None:
        try:
            self._request("DELETE", path)
        except NotFound:
            return

    def transfer(self, carrier_id: str, url: str) -> None:
        """Send a live call to another document. Raises ``NotFound`` when it has ended."""
        self._request(
            "POST", f"Call/{carrier_id}", json={"legs": "aleg", "aleg_url": url, "aleg_method": "POST"}
        )

    def live_call(self, carrier_id: str) -> LiveCall | None:
        """A call that is in progress right now, by id; None when it is not."""
        try:
            body = self._request("GET", f"Call/{carrier_id}", query={"status": "live"})
        except NotFound:
            return None
        return LiveCall(
            carrier_id=str(body.get("call_uuid") or carrier_id),
            progress=Progress.CONNECTED if body.get("call_status") == "in-progress" else Progress.RINGING,
            to_number=_e164(body.get("to")),
            from_number=_e164(body.get("from")),
        )

    def is_queued(self, request_id: str) -> bool:
        """Whether a call waits in the carrier's own queue."""
        try:
            self._request("GET", f"Call/{request_id}", query={"status": "queued"})
        except NotFound:
            return False
        return True

    def live_calls(self) -> list[LiveCall]:
        """Every call of the account that is queued or live: two lists of ids, then one by one.

        In the direction calls move, so that none slips from one list to the other unseen.
        """
        found: list[LiveCall] = []
        queued = self._request("GET", "Call", query={"status": "queued"}).get("calls") or []
        for carrier_id in queued:
            try:
                body = self._request("GET", f"Call/{carrier_id}", query={"status": "queued"})
            except NotFound:
                continue
            found.append(
                LiveCall(
                    carrier_id=str(body.get("call_uuid") or body.get("request_uuid") or carrier_id),
                    progress=Progress.QUEUED,
                    to_number=_e164(body.get("to")),
                    from_number=_e164(body.get("from")),
                )
            )
        live = self._request("GET", "Call", query={"status": "live"}).get("calls") or []
        for carrier_id in live:
            call = self.live_call(str(carrier_id))
            if call is not None:
                found.append(call)
        return found

    def record(self, carrier_id: str) -> CallRecord | None:
        """A finished call by id; None while the carrier's records don't have it (they lag)."""
        try:
            body = self._request("GET", f"Call/{carrier_id}")
        except NotFound:
            return None
        return _record(body)

    def records_to(self, to_number: str, since: datetime) -> list[CallRecord]:
        """Finished calls to a number that ended at or after ``since``, newest first (at most 20)."""
        body = self._request(
            "GET",
            "Call",
            query={
                "to_number": to_number.lstrip("+"),
                # A margin, since the records are kept in the account's own zone and by the minute.
                "end_time__gte": f"{(since - ZONES_APART).astimezone(UTC):%Y-%m-%d %H:%M}",
                "limit": 20,
            },
        )
        records = map(_record, body.get("objects") or [])
        return [record for record in records if record.started_at >= since - ZONES_APART * record.is_local]


def _never_connected(error: requests.ConnectionError) -> bool:
    """Whether the connection was refused or the name not found: nothing can have been sent."""
    from urllib3.exceptions import MaxRetryError, NewConnectionError

    cause = error.args[0] if error.args else None
    if isinstance(cause, MaxRetryError):
        cause = cause.reason
    return isinstance(cause, NewConnectionError)


def _body(response: requests.Response) -> dict[str, Any]:
    if not response.content:
        return {}
    try:
        body = response.json()
    except ValueError as error:
        raise Ambiguous(f"The carrier's answer ({response.status_code}) is not JSON.") from error
    if not isinstance(body, dict):
        raise Ambiguous(f"The carrier's answer ({response.status_code}) is not an object.")
    return body


def _error(response: requests.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return "The carrier refused the request"
    error = body.get("error") or body.get("message") if isinstance(body, dict) else None
    if isinstance(error, dict):
        error = error.get("error") or "; ".join(f"{name}: {value}" for name, value in error.items())
    return str(error or "The carrier refused the request")[:300]


def _e164(value: Any) -> str:
    digits = "".join(character for character in str(value or "") if character.isdigit())
    return f"+{digits}" if digits else ""


def _record(body: Mapping[str, Any]) -> CallRecord:
    ending, started_at = record_ending(body)
    return CallRecord(
        carrier_id=str(body.get("call_uuid") or ""),
        to_number=_e164(body.get("to_number")),
        from_number=_e164(body.get("from_number")),
        started_at=started_at,
        ending=ending,
        is_local=is_local_time(body.get("initiation_time") or body.get("end_time")),
    )


_local = threading.local()


def client() -> PlivoClient:
    """This thread's client for the account of the settings."""
    account = (settings.PLIVO_AUTH_ID, settings.PLIVO_AUTH_TOKEN, settings.PLIVO_API_URL)
    if getattr(_local, "account", None) != account:
        _local.client = PlivoClient(
            auth_id=account[0], auth_token=account[1], api_url=account[2], timeouts=settings.CARRIER_TIMEOUTS
        )
        _local.account = account
    found: PlivoClient = _local.client
    return found
