"""Text messages: accepted, then queued, sent and delivered (or not), each told by a webhook."""

from __future__ import annotations

import asyncio
import time
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from simulator.callee import Quirk
from simulator.calls import SentWebhook, local_time

if TYPE_CHECKING:
    from simulator.carrier import Carrier

# GSM 03.38: a text of these alone takes 160 characters a segment, any other 70.
GSM_ALPHABET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = frozenset("^{}\\[~]|€\f")
OPTED_OUT = 200
INTENTS = {
    **dict.fromkeys(("STOP", "END", "QUIT", "CANCEL", "UNSUBSCRIBE", "STOPALL"), "optout"),
    **dict.fromkeys(("START", "UNSTOP"), "optin"),
    "HELP": "help",
}


class Message:
    def __init__(self, *, src: str, dst: str, text: str, kind: str, url: str, method: str) -> None:
        self.uuid = str(uuid4())
        self.src = src
        self.to = dst
        self.text = text
        self.kind = kind
        self.direction = "outbound"
        self.url = url
        self.method = method
        self.units = segments(text)
        self.status = "queued"
        self.error = 0
        self.posted_epoch = time.time()
        # What a webhook needs of its subject, as with calls.
        self.quirk: Quirk | None = None
        self.muted = False
        self.notes: list[str] = []
        self.webhooks: list[SentWebhook] = []
        self.tail: asyncio.Task[Any] | None = None
        self.first_webhook: asyncio.Event | None = None
        self.ended_at: float | None = None

    def as_json(self, account: str, zone: ZoneInfo, price: float) -> dict[str, Any]:
        return {
            "error_code": str(self.error or ""),
            "from_number": self.src,
            "message_direction": self.direction,
            "message_state": self.status,
            "message_time": local_time(self.posted_epoch, zone),
            "message_type": self.kind,
            "message_uuid": self.uuid,
            "resource_uri": f"/v1/Account/{account}/Message/{self.uuid}/",
            "to_number": self.to,
            "total_amount": f"{price * self.units:.5f}",
            "total_rate": f"{price:.5f}",
            "units": self.units,
        }

    def ledger_entry(self) -> dict[str, Any]:
        return {
            "message_uuid": self.uuid,
            "direction": self.direction,
            "from": self.src,
            "to": self.to,
            "text": self.text,
            "type": self.kind,
            "units": self.units,
            "status": self.status,
            "error_code": self.error,
            "posted_at": self.posted_epoch,
            "url": self.url,
            "notes": list(self.notes),
            "webhooks": [webhook.as_json() for webhook in self.webhooks],
        }


class Messages:
    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self.sent: list[Message] = []
        self.by_uuid: dict[str, Message] = {}

    def send(
        self, *, src: str, destinations: list[str], text: str, kind: str, url: str, method: str
    ) -> list[Message]:
        accepted = []
        for dst in destinations:
            message = Message(src=src, dst=dst, text=text, kind=kind, url=url, method=method)
            self.sent.append(message)
            self.by_uuid[message.uuid] = message
            accepted.append(message)
            self._tell(message)
            self._carrier.clock.call_later(self._carrier.settings.message_seconds, self._leave, message)
        return accepted

    def receive(self, *, src: str, dst: str, text: str, url: str, method: str = "POST") -> Message:
        """A text to one of our numbers; told to `url` as the carrier tells it."""
        message = Message(src=src, dst=dst, text=text, kind="sms", url=url, method=method)
        message.status = "received"
        message.direction = "inbound"
        self.sent.append(message)
        self.by_uuid[message.uuid] = message
        self._carrier.webhooks.notify_message(
            message,
            "Message",
            url,
            method,
            [
                ("MessageUUID", message.uuid),
                ("From", src),
                ("To", dst),
                ("Text", text),
                ("Type", "sms"),
                ("Units", str(message.units)),
                ("TotalRate", "0.00000"),
                ("TotalAmount", "0.00000"),
                ("MessageIntent", INTENTS.get(text.strip().upper(), "")),
            ],
        )
        return message

    def clear(self) -> None:
        self.sent.clear()
        self.by_uuid.clear()

    def _leave(self, message: Message) -> None:
        settings = self._carrier.settings
        number = message.to
        dice = Random(f"{settings.seed}/message/{number}/{message.text}")
        forced = number[-4:] if settings.forced_digits else ""
        if forced == "0005":
            message.error = 30  # no such subscriber
        elif forced == "0019":
            message.error = OPTED_OUT
        if message.error:
            self._become(message, "failed")
            return
        self._become(message, "sent")
        arrives = forced != "0003" and dice.random() < settings.message_delivery_rate
        outcome = "delivered" if arrives else "undelivered"
        self._carrier.clock.call_later(settings.message_seconds, self._become, message, outcome)

    def _become(self, message: Message, status: str) -> None:
        message.status = status
        self._tell(message)

    def _tell(self, message: Message) -> None:
        price = self._carrier.settings.message_price
        self._carrier.webhooks.notify_message(
            message,
            "MessageStatus",
            message.url,
            message.method,
            [
                ("MessageUUID", message.uuid),
                ("From", message.src),
                ("To", message.to),
                ("Status", message.status),
                ("Units", str(message.units)),
                ("TotalRate", f"{price:.5f}"),
                ("TotalAmount", f"{price * message.units:.5f}"),
                ("ErrorCode", str(message.error or "")),
                ("MCC", "310"),
                ("MNC", "004"),
                ("ParentMessageUUID", message.uuid),
                ("PartInfo", f"1 of {message.units}"),
            ],
        )


def segments(text: str) -> int:
    """How many parts the text is sent in."""
    if all(character in GSM_ALPHABET or character in GSM_EXTENSION for character in text):
        length = sum(2 if character in GSM_EXTENSION else 1 for character in text)
        single, part = 160, 153
    else:
        length = len(text.encode("utf-16-le")) // 2
        single, part = 70, 67
    return 1 if length <= single else -(-length // part)
