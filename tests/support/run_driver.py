"""Plays the lead of a run by keys alone: reads the frame on top of the terminal and answers what it asks."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from tests.servers.waiting import patient

READ_S = 0.45
"""A lead looks at a card or dialog before answering it; a key typed earlier than 0.4 s after it opened is refused."""

AGAIN_S = 6.0
"""What did not change for so long after a key is answered once more."""

STUCK_S = 60.0
"""A screen on which nothing the driver can answer changes for so long is stuck."""

MEANT = "this is what it stands for"
"""So a dialog answers where its last line was written shorter: it is to be read before it is taken."""

TOO_EARLY = "then press again"
"""So the screen answers a key that was typed before its card, or a line of its dialog, could have been read."""

CLOSED = "The run is closed"
WAITING = "Waiting for every CSC to reach its target"
EVERYONE = "All CSCs at target"
OVER = "The limit is over"
EACH = "Each by name"
"""The dialog in which several people each say yes."""

EMPTY = "who says yes; empty: not asked yet"
"""What stands in a line of it where no name is offered."""

RECORD = "OPS-1"
"""What is written down where a step asks for it."""

LINK = "https://pages.example.org/upgrades/cycle"
"""What is pasted where a link is written down: nobody types one."""

WHO = "Tim"
"""Who is written down where a step asks who."""

PLACEHOLDERS = {"date": "-1", "start": "830", "revision": "3", "coordinator": "@ana"}
"""What the commands wait for and is known in time; the weekday follows from the date, the rest stays open.

The date is yesterday, so that what goes out before it goes out at once.
"""


@dataclass(frozen=True, slots=True)
class Frame:
    """The uppermost frame of the screen: its title, and the lines inside it."""

    title: str
    body: tuple[str, ...]

    @property
    def asked(self) -> tuple[str, str]:
        """What tells one card from another: the title without figures, the first paragraph, the item that is next."""
        head: list[str] = []
        for line in self.body:
            if not line and head:
                break
            head.append(line)
        if self.title.startswith("Your turn"):
            head += [line for line in self.body if line.startswith("▸")]
        changing = self.title in {WAITING, EVERYONE, OVER}
        return re.sub(r"\d+", "#", self.title), "" if changing else re.sub(r"\d+ s\b", "#", " ".join(head))

    @property
    def text(self) -> str:
        """The lines as one text."""
        return " ".join(line for line in self.body if line)

    def has(self, words: str) -> bool:
        """Say whether the frame shows these words, wherever its lines break."""
        return words in self.text


def front(screen: str) -> Frame:
    """Return the uppermost frame of a screen; with no frame there it has neither title nor lines.

    The title is without the lane that a card is of.
    """
    title, body = "", []
    for line in screen.splitlines():
        if not title:
            found = re.match(r"╭─ (.+?) ─*╮", line)
            title = found[1].replace("  ", " ").replace("  ", " ") if found else ""
            title = title.partition(" · lane ")[0]
        elif line.startswith("╰"):
            break
        else:
            inner = re.match(r"│ ?(.*?)\s*│", line)
            body.append(inner[1] if inner else "")
    return Frame(title, tuple(body))


def _line(form: Frame, name: str) -> str:
    """Return the line of a field of a dialog, nothing where it has none of that name."""
    return next((line for line in form.body if line.startswith(f"{name} ")), "")


def _fields(form: Frame) -> list[tuple[str, str]]:
    """Return the fields of the dialog in which each says yes, with the name that is offered, empty where none is."""
    rows = [re.split(r"  +", line, maxsplit=1) for line in form.body if re.search(r"\S  +\S", line)]
    named = [(row[0], row[1].strip()) for row in rows if not row[0].startswith(("enter", "esc"))]
    return [(label, "" if offered.startswith(EMPTY[:12]) else offered) for label, offered in named]


def _written(asked: str) -> str:
    """Return what is written down where a step asks for this."""
    return LINK if asked.endswith("link") else WHO if asked.startswith("who") else RECORD


class Terminal(Protocol):
    """A terminal that can be read and typed at."""

    def capture(self) -> str:
        """Return the screen as text."""
        ...

    def send_keys(self, *keys: str) -> None:
        """Press keys by tmux's names."""
        ...

    def type_text(self, text: str) -> None:
        """Type a text literally."""
        ...

    def paste(self, text: str) -> None:
        """Paste a text, as the terminal hands on what was copied elsewhere."""
        ...


@dataclass
class Lead:
    """A person at the keys of ``deploydash run``.

    ``answers``: for a word of a question, the answer to choose; else the safe one is taken. ``placeholders``: the words
    that are known. ``failures`` is called with a card that says who did not go and answers it by keys; ``shut`` with
    one that waits, ``waits`` with the wait's own page. Every key pressed and the title of the frame it answered are in
    ``pressed``; ``keys`` counts them and each letter that was typed; a paste counts as one.
    """

    tmux: Terminal
    site: str = "summit"
    name: str = "Ana"
    answers: Mapping[str, str] = field(default_factory=dict)
    placeholders: Mapping[str, str] = field(default_factory=lambda: PLACEHOLDERS)
    failures: Callable[[Lead, Frame], None] = lambda _, __: None
    shut: Callable[[Lead, Frame], None] = lambda _, __: None
    waits: Callable[[Lead, Frame], None] = lambda _, __: None
    pressed: list[tuple[str, str]] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    keys: int = 0
    _known: bool = False
    """Whether the run knows the lead's name, so that its beginning is enough."""

    def see(self) -> Frame:
        """Return the frame that is uppermost now."""
        return front(self.tmux.capture())

    def press(self, *keys: str) -> None:
        """Press keys."""
        title = self.see().title
        self.pressed += [(key, title) for key in keys]
        self.keys += len(keys)
        self.tmux.send_keys(*keys)

    def until(self, ready: Callable[[Frame], bool], what: str, seconds: float = 20.0) -> Frame:
        """Return the first frame that is as wanted.

        Raises:
            AssertionError: none was within ``seconds``; the message holds the screen.
        """
        end = time.monotonic() + patient(seconds)
        while not ready(frame := self.see()):
            assert time.monotonic() < end, f"{what} did not come within {patient(seconds):g} s\n{self.tmux.capture()}"
            time.sleep(0.05)
        return frame

    def dialog(self, key: str, title: str | tuple[str, ...]) -> Frame:
        """Press a key, once more only where the screen says that it came too early, and read the dialog it opens."""
        end = time.monotonic() + patient(20)
        self.press(key)
        pressed = time.monotonic()
        while not self.see().title.startswith(title):
            now = time.monotonic()
            assert now < end, f"{key} opened no {title!r}\n{self.tmux.capture()}"
            if now > pressed + 2 * READ_S and TOO_EARLY in self.tmux.capture():
                self.press(key)
                pressed = now
            time.sleep(0.05)
        time.sleep(READ_S)
        return self.see()  # not as it was seen first: its fields may have been drawn after its title

    def fill(self, title: str, *texts: str) -> None:
        """Type into the fields of an open dialog and take it; a name that is offered there is not typed again."""
        if title == "Sign off" and texts[0] in _line(self.see(), "who did it"):
            texts = texts[1:]
        if title == "Armed: type":
            # The last letter of the site's name takes it.
            self.tmux.type_text(texts[0])
            self.keys += len(texts[0])
            texts = ()
        for text in texts:
            if text:
                self._write(text)
            self._take_line()
        self.until(lambda frame: not frame.title.startswith(title), f"the end of {title!r}")

    def _write(self, text: str) -> None:
        """Type a text into a field, or paste a link, and see it there."""
        (self.tmux.paste if text == LINK else self.tmux.type_text)(text)
        self.keys += 1 if text == LINK else len(text)
        shown = text[:20]
        self.until(lambda frame: frame.has(shown), f"{shown!r} in its field")

    def _take_line(self) -> None:
        """Take a line of a dialog, once more where the screen says that the key came too early."""
        self.press("Enter")
        time.sleep(READ_S)
        while TOO_EARLY in (told := self.see().text) or MEANT in told:
            self.press("Enter")
            time.sleep(READ_S)

    def choose(self, title: str, answer: str) -> None:
        """Take an answer of an open dialog by its first words; an empty one takes the safe answer."""
        for _ in range(8):
            here = next((line for line in self.see().body if line.startswith(("▸ ", "> "))), "")
            if re.sub(r"^\d+ ", "", here[2:]).startswith(answer):
                break
            self.press("Down")
            time.sleep(0.1)
        else:
            raise AssertionError(f"{title} offers no {answer!r}\n{self.tmux.capture()}")
        self.press("Enter")
        self.until(lambda frame: not frame.title.startswith(title), f"the end of {title!r}")

    def waive(self, reason: str, count: int = 1) -> None:
        """Waive whom the cursor or the marks name."""
        self.dialog("w", "Waive")
        self.fill("Waive", reason, *([str(count)] if count > 1 else []))

    def send(self) -> None:
        """Send the order that is shown exactly: mild at once, else by its arm, severe by the name of the site."""
        shown = self.until(lambda frame: frame.has("a arm") or frame.has("Enter do it"), "what would be sent")
        time.sleep(READ_S)
        if not shown.has("a arm"):
            self.press("Enter")
            self.until(lambda frame: frame.title != shown.title, "the end of what is mild")
            return
        self.press("a")
        armed = self.until(lambda frame: frame.title.startswith(("Armed ·", "Armed: type")), "the arm")
        if "type" in armed.title:
            self.until(lambda frame: frame.title.startswith("Armed: type"), "the dialog for the site's name")
            time.sleep(READ_S)
            self.fill("Armed: type", self.site)
        else:
            time.sleep(0.8)
            self.press("Enter")
        self.until(lambda frame: not frame.title.startswith(("Armed", "Sent in")), "the end of the arm")

    def retry(self) -> None:
        """Retry those marked, or the one under the cursor."""
        self.dialog("r", "Retry")
        self.send()

    def approve(self, words: str) -> Frame:
        """Approve what is on the card once it shows these words, by the arm where it has one; return the card."""
        card = self.until(lambda frame: frame.title == "Your turn" and frame.has(words), words, 40)
        time.sleep(READ_S)
        if not card.has("a arm"):
            self.press("Enter")
            return card
        self.press("a")
        self.until(lambda frame: frame.title.startswith("Armed"), "the arm")
        time.sleep(0.8)
        self.press("Enter")
        return card

    def play(self, until: Callable[[Frame], bool], seconds: float) -> Frame:
        """Answer card after card until the frame is as wanted.

        Raises:
            AssertionError: it did not come in time, or nothing moved on; the message holds the screen.
        """
        end = time.monotonic() + patient(seconds)
        asked, since, answered = ("", ""), time.monotonic(), 0.0
        while not until(frame := self.see()):
            now = time.monotonic()
            assert now < end, f"not there after {patient(seconds):.0f} s\n{self.tmux.capture()}"
            if frame.asked != asked:
                asked, since, answered = frame.asked, now, 0.0
                self.titles.append(" | ".join(asked))
            assert now < since + patient(STUCK_S) or frame.title in {WAITING, OVER}, f"stuck\n{self.tmux.capture()}"
            if now >= since + READ_S and now >= answered + AGAIN_S:
                self.answer(frame)
                answered = time.monotonic()
            time.sleep(0.05)
        return frame

    def answer(self, frame: Frame) -> None:
        """Answer one frame as a lead who lets everything go in order."""
        title = frame.title
        if title.startswith("Your turn · manual"):
            self._tick(frame)
        elif title == "Your turn · a question":
            self._decide(frame)
        elif title.endswith("a decision"):
            self.failures(self, frame)
        elif title == "Your turn" and frame.has("a close the run"):
            self.dialog("a", "Close the run?")
            self.choose("Close the run?", "close")
        elif title == "Your turn" and frame.has("it waits for <") and frame.has("f set placeholders"):
            self._fill_in(self.dialog("f", "Set placeholders"))
        elif title == "Your turn" and frame.has("1 item at") and frame.has("blocked"):
            self._blocked()
        elif title == "Your turn":
            self._arm() if frame.has("a arm") else self.press("Enter")
        elif title.startswith("Armed: type"):
            self.fill("Armed: type", self.site)
        elif title.startswith("Armed"):
            time.sleep(0.8 - READ_S)  # an arm is not fired before it stood there so long
            self.press("Enter")
        elif title in {"Your turn · to be ended", EVERYONE}:
            self.press("Enter")
        elif title in {WAITING, OVER}:
            self.waits(self, frame)
        elif title.startswith("Closed"):
            self.shut(self, frame)

    def _blocked(self) -> None:
        """Sign off as done by a person what cannot be sent here, once it stays so: it is read anew now and then."""
        end = time.monotonic() + AGAIN_S
        while (frame := self.see()).title == "Your turn" and frame.has("blocked"):
            if time.monotonic() > end:
                self._tick(frame)
                return
            time.sleep(0.05)

    def _arm(self) -> None:
        """Press once and wait for what opens: what is severe asks for the site's name, and would take a second key."""
        self.press("a")
        end = time.monotonic() + AGAIN_S
        while self.see().title == "Your turn" and TOO_EARLY not in self.tmux.capture() and time.monotonic() < end:
            time.sleep(0.05)

    def _tick(self, frame: Frame) -> None:
        form = self.dialog("S" if frame.has("S all of it") else "d", ("Sign off", "Set placeholders", EACH))
        if form.title == EACH:
            self._each(form)
            return
        if form.title == "Set placeholders":
            self._fill_in(form)
            self.until(lambda shown: shown.title == "Sign off", "the sign-off after the placeholders")
            time.sleep(READ_S)
            form = self.see()
        named, recorded = _line(form, "who did it"), _line(form, "record")
        if _line(form, "who says so"):
            self._yes(bool(recorded))
            return
        texts = [] if self.name in named else [self.name]
        asked = re.sub(r"^record +", "", recorded)
        texts += [_written(asked)] if asked and asked not in {self.name, WHO, RECORD} else []
        self._known = True
        if texts:
            self.fill("Sign off", *texts)
        else:
            self.press("Enter")
            self.until(lambda shown: shown.title != "Sign off", "the end of the sign-off")

    def _each(self, form: Frame) -> None:
        """Say yes for each owner: a name that is offered takes one key, any other is typed."""
        for label, offered in _fields(form):
            if not offered:
                self._name(label)
            self._take_line()
        self._known = True
        self.until(lambda frame: frame.title != EACH, "the end of the names")

    def _name(self, label: str) -> None:
        """Type the lead's own name into a line, its beginning where the run knows it."""
        typed = self.name[:1].lower() if self._known else self.name
        self.tmux.type_text(typed)
        self.keys += len(typed)
        self.until(lambda frame: (label, typed) in _fields(frame), f"{label} named")

    def _fill_in(self, form: Frame) -> None:
        """Set the placeholders that a dialog asks for and that are known."""
        told = re.search(r"wait for (.*?)\. They", form.text)
        words = re.findall(r"<(\w+)>", told[1] if told else "")
        offered = [word for word in words if self.name in _line(form, word)]
        self.fill("Set placeholders", *("" if word in offered else self.placeholders.get(word, "") for word in words))

    def _yes(self, record: bool) -> None:
        """Say yes for one owner; the answer that stands first is no."""
        for text in (self.name, *([RECORD] if record else [])):
            self.tmux.type_text(text)
            self.keys += len(text)
            self.until(lambda frame, text=text: frame.has(text), f"{text!r} in its field")  # type: ignore[misc]
            self._take_line()
        self.press("Down", "Enter")
        self.until(lambda frame: frame.title != "Sign off", "the end of the sign-off")

    def _decide(self, frame: Frame) -> None:
        """Answer a question on its card; the cursor stands on the safe answer."""
        answer = next((answer for word, answer in self.answers.items() if word in frame.text), "")
        for _ in range(8):
            here = next((line.strip() for line in self.see().body if line.strip().startswith(("▸ ", "> "))), "")
            if here[2:].startswith(answer):
                break
            self.press("Down")
            time.sleep(0.1)
        else:
            raise AssertionError(f"the card offers no {answer!r}\n{self.tmux.capture()}")
        self.press("Enter")
