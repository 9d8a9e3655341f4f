"""What the demo assistant and the people it calls say to one another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from simulator.callee import Mood

ASSISTANT = "assistant"
CONTACT = "contact"
MS_PER_WORD = 370
MS_PER_UTTERANCE = 250


@dataclass(frozen=True, slots=True)
class Line:
    speaker: str
    text: str
    decides: bool = False
    """From here on it is known what the contact wants."""

    @property
    def duration_ms(self) -> int:
        return MS_PER_UTTERANCE + MS_PER_WORD * len(self.text.split())


@dataclass(frozen=True, slots=True)
class Topic:
    """One reason to call: how it is put, and what may be asked and answered about it."""

    pitch: str
    exchanges: tuple[tuple[str, str], ...]
    """The contact's question, the assistant's answer."""
    yes: str
    wrap_up: str


TOPICS = (
    Topic(
        pitch="your maintenance plan ends this month, and I wondered whether you would like to keep it",
        exchanges=(
            (
                "What does it cost?",
                "It stays at twenty four dollars a month, and you can leave it any month you like.",
            ),
            (
                "And what is in it?",
                "Two visits a year, all small repairs, and we come within a day if something breaks.",
            ),
            (
                "Does it cover older units?",
                "Yes, everything up to fifteen years old, as long as the parts can still be had.",
            ),
            ("Who would come?", "The same two technicians as before, both have been with us for years."),
            (
                "Do I have to be at home?",
                "Only for the first visit. After that a neighbor with a key is quite enough.",
            ),
            ("Can I pay once a year?", "You can, and then the twelfth month is on us."),
        ),
        yes="That sounds good, let's do that.",
        wrap_up="I have renewed it for you, and the papers will be in your mail today.",
    ),
    Topic(
        pitch="your internet plan ends in two weeks, and there is a faster one at the price you pay now",
        exchanges=(
            ("How much faster is it?", "Twice as fast as today, and it is the same price for two years."),
            ("Does anybody have to come?", "Nobody, we switch it over from here in about ten minutes."),
            (
                "Do I need a new box?",
                "The one you have will do, as long as it has the two green lights in front.",
            ),
            ("How long am I bound?", "Three months at a time, and you can leave by mail or by phone."),
            ("Does my number stay?", "It does, your number and your addresses stay as they are."),
            (
                "What if it is down?",
                "Then you call us, day and night, and that day is not on your bill.",
            ),
        ),
        yes="All right, please switch me over.",
        wrap_up="Wonderful, you will get a text with the day on which we switch it over.",
    ),
    Topic(
        pitch="your membership at the club ends this month, and I would like to renew it with you",
        exchanges=(
            (
                "Was that not just recently?",
                "I see that you joined eleven months ago, so this is about the right time.",
            ),
            ("What are the hours now?", "From six in the morning to eleven at night, every day."),
            ("Could my daughter come along?", "Of course, children under sixteen swim for nothing."),
            (
                "Do I need to bring anything?",
                "Just the card. The new one waits for you at the desk.",
            ),
            ("Where do I park?", "Behind the house, the first two hours are free."),
            ("Is the pool open again?", "It is, since Monday, and the sauna with it."),
        ),
        yes="Yes, please renew it for me.",
        wrap_up="It runs for another year then. Your new card waits at the desk.",
    ),
)

HELLOS = ("Hello?", "Yes, hello?", "Hi, who is this?", "Good day.")
NOT_INTERESTED = (
    "Thank you, but I'm not interested.",
    "No, we're fine as we are.",
    "I don't need that, sorry.",
)
DO_NOT_CALL = (
    "Please don't call me again.",
    "Take me off your list, please.",
    "I don't want any more of these calls.",
)
CALLBACK = (
    "This is a bad moment, could you call tomorrow?",
    "I'm driving. Try me again tomorrow, please.",
    "I have to talk it over first, call me tomorrow.",
)
GREETING = "You have reached our voicemail. Please leave a message after the tone."


def conversation(
    *,
    assistant: str,
    first_name: str,
    campaign: str,
    mood: Mood,
    machine: bool,
    talk_seconds: float,
    seed: int,
) -> Iterator[Line]:
    """The lines in order; the same for the same arguments."""
    dice = Random(seed)
    topic = dice.choice(TOPICS)
    name = first_name or "there"
    about = f" about {campaign}" if campaign else ""
    if machine:
        yield Line(CONTACT, GREETING)
        yield Line(
            ASSISTANT,
            f"Hi {name}, this is {assistant}. I was calling{about}, and will try you again. Goodbye.",
            decides=True,
        )
        return
    if mood is Mood.SILENT:
        yield Line(ASSISTANT, f"Hello, this is {assistant}. Am I speaking with {name}?")
        yield Line(ASSISTANT, "I'm afraid I can't hear you.")
        yield Line(ASSISTANT, "I'll try again another time. Goodbye.")
        return
    yield Line(CONTACT, dice.choice(HELLOS))
    yield Line(
        ASSISTANT, f"Hi {name}, this is {assistant}, an assistant calling{about}. Is this a good time?"
    )
    if mood is Mood.DO_NOT_CALL:
        yield Line(CONTACT, dice.choice(DO_NOT_CALL), decides=True)
        yield Line(ASSISTANT, "I understand, I have taken you off our list. Sorry for the trouble, goodbye.")
        return
    yield Line(CONTACT, dice.choice(("Sure, go ahead.", "If it's quick.", "What is it about?")))
    yield Line(ASSISTANT, f"Thank you. It's that {topic.pitch}.")
    most = {Mood.NOT_INTERESTED: 1, Mood.CALLBACK: 2}.get(mood, 1000)
    spent_ms = 25_000
    for number in range(most):
        question, reply = topic.exchanges[number % len(topic.exchanges)]
        lines = (Line(CONTACT, question), Line(ASSISTANT, reply))
        spent_ms += sum(line.duration_ms for line in lines) + 1200
        if spent_ms > talk_seconds * 1000:
            break
        yield from lines
    match mood:
        case Mood.CALLBACK:
            yield Line(CONTACT, dice.choice(CALLBACK), decides=True)
            yield Line(ASSISTANT, "Gladly, I'll call you tomorrow at this time. Until then!")
        case Mood.INTERESTED:
            yield Line(CONTACT, topic.yes, decides=True)
            yield Line(ASSISTANT, f"{topic.wrap_up} Thank you, {name}, goodbye.")
        case _:
            yield Line(CONTACT, dice.choice(NOT_INTERESTED), decides=True)
            yield Line(ASSISTANT, "That's quite all right. Thank you for your time, goodbye.")
    yield Line(CONTACT, dice.choice(("Bye.", "Goodbye.", "Thanks, bye.")))


SUMMARIES = {
    "interested": "{name} wants to go ahead and was promised the details.",
    "not_interested": "{name} listened and declined.",
    "callback": "{name} asked to be called again tomorrow.",
    "do_not_call": "{name} asked not to be called again.",
    "no_decision": "The call ended before {name} decided anything.",
    "voicemail": "A voicemail answered; a short message was left.",
}
