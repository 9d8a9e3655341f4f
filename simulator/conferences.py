"""Conferences: calls talking with one another in a room with a name."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

from simulator.calls import Call, State
from simulator.documents import Element

if TYPE_CHECKING:
    from simulator.carrier import Carrier

Params = tuple[tuple[str, str], ...]


class Room:
    def __init__(self, name: str) -> None:
        self.name = name
        self.uuid = str(uuid4())
        self.members: dict[Call, Member] = {}


class Member:
    def __init__(self, number: int) -> None:
        self.number = number
        self.out: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def leave(self) -> None:
        if not self.out.done():
            self.out.set_result(None)


class Conferences:
    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self.rooms: dict[str, Room] = {}
        self._numbers = 0

    async def take_part(self, call: Call, element: Element) -> Params:
        """Stay in the room until somebody ends it or the call leaves; parameters for the action URL."""
        room = self.rooms.setdefault(element.text, Room(element.text))
        most = element.number("maxMembers", element.number("maxParticipants", 20.0))
        if len(room.members) >= most:
            return self._parameters(room, 0, "exit")
        self._numbers += 1
        member = room.members[call] = Member(self._numbers)
        ends_room = element.flag("endConferenceOnExit") or element.flag("endMpcOnExit")
        self._tell(call, element, room, member, "enter")
        if len(room.members) == 2:
            # Now there is somebody to talk to, and people's patience starts anew.
            for other in room.members:
                if other.state is State.IN_PROGRESS:
                    self._carrier.exchange.callee_leaves_in(other, other.callee.talk_seconds)
        limit = element.number("timeLimit", element.number("maxDuration", 14400.0))
        timer = self._carrier.clock.call_later(limit, member.leave)
        try:
            await member.out
        finally:
            timer.cancel()
            room.members.pop(call, None)
            self._tell(call, element, room, member, "exit")
            if ends_room or not room.members:
                self.rooms.pop(room.name, None)
                for remaining in room.members.values():
                    remaining.leave()
        return self._parameters(room, member.number, "exit")

    def clear(self) -> None:
        self.rooms.clear()

    def _tell(self, call: Call, element: Element, room: Room, member: Member, action: str) -> None:
        url = element.get("callbackUrl") or element.get("statusCallbackUrl")
        method = element.get("callbackMethod") or element.get("statusCallbackMethod") or "POST"
        event = "ConferenceEnter" if action == "enter" else "ConferenceExit"
        self._carrier.webhooks.notify(call, event, url, method, self._parameters(room, member.number, action))

    @staticmethod
    def _parameters(room: Room, member: int, action: str) -> Params:
        return (
            ("ConferenceAction", action),
            ("ConferenceName", room.name),
            ("ConferenceUUID", room.uuid),
            ("ConferenceMemberID", str(member)),
            ("ConferenceFirstMember", "true" if len(room.members) == 1 else "false"),
            ("ConferenceLastMember", "true" if not room.members else "false"),
        )
