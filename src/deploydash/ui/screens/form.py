"""Dialogs: a question with its safe answer first, or a few words to type. Over the card, at the top left."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.events import Paste
from textual.widgets import Input

from deploydash.cells import cells
from deploydash.core.outside_text import visible
from deploydash.core.published import Published
from deploydash.ui.bindings import run_bindings
from deploydash.ui.draw.ink import Ink, Line, Span, Surface
from deploydash.ui.draw.run.reading import Reading, box, copied, folded
from deploydash.ui.draw.run.windows import windowed
from deploydash.ui.keys import EACH, Key
from deploydash.ui.screens.base import View
from deploydash.ui.widgets.canvas import Lines
from deploydash.ui.widgets.field import TypedField, at_once, taken

if TYPE_CHECKING:
    from deploydash.ui.run_host import RunHost

WIDTH = 76
GUARD_S = 0.4
"""An answer counts only if it was typed this long after the dialog opened."""


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Field:
    """Something to type: its name, and what belongs in it.

    ``meant``: what a text stands for that may be written shorter; it stands in the field before it is taken.
    """

    name: str
    hint: str = ""
    value: str = ""
    meant: Callable[[str], str] = _as_it_is


@dataclass(frozen=True, slots=True)
class Option:
    """An answer to choose; the first of several is the safe one. ``why_not``: why it cannot be taken now."""

    answer: str
    text: str
    why_not: str = ""

    def words(self, number: int) -> str:
        """Return its line: the digit that goes to it, its text, and why it is shut."""
        return f"{number} {self.text}{f' (not now: {self.why_not})' if self.why_not else ''}"


Done = Callable[[str, Sequence[str]], object]
"""Called with the chosen answer (empty without options) and the typed texts."""

FORM = (
    Key("enter", "enter", "take this answer", "enter"),
    Key("escape", "esc", "close; nothing is ordered", "close"),
    Key("up,shift+tab", "↑", "up", "step", "-1"),
    Key("down,tab", "↓", "down", "step", "1"),
    Key("k", "k", "up", "step", "-1"),
    Key("j", "j", "down", "step", "1"),
    Key("1,2,3,4,5,6,7,8,9", "1-9", "to the answer with that number; enter takes it", "choose", EACH),
    Key("pagedown", "PgDn", "more of a long text", "scroll", "5"),
    Key("pageup", "PgUp", "back in it", "scroll", "-5"),
    Key("H", "H", "hold everything", "hold"),
    Key("E", "E", "emergency stop of an orchestrator", "stop"),
)

IN_FIELDS = (
    ("enter", "take_field"),
    ("tab,down", "step_field(1)"),
    ("shift+tab,up", "step_field(-1)"),
)
"""Keys that act while a field is typed in; a field itself would take the arrows, for a scrolling that it has not."""


def _nothing_wrong(_: Sequence[str]) -> str:
    return ""


class Form(View):
    """One dialog.

    ``exact`` are lines below the body that are shown as they are, such as a configuration.
    ``wrong`` says what is missing, or nothing; ``check`` the same of an answer and texts that take time to look at, and
    counts only while what was chosen and typed is still the same.
    ``left`` is called when the operator closes it without an answer.
    ``first``: the field that has the cursor at first. ``paced``: each field is somebody's own, so that Enter takes one
    only after it could have been read, and none while it is held down.
    ``by_itself``: it is taken with the letter that completes its one field; what was pasted is taken by Enter only.
    ``lives`` says of a new snapshot whether the question still stands; if not, the dialog goes away by itself.
    """

    BINDINGS = [*run_bindings(FORM), *at_once(IN_FIELDS)]  # noqa: RUF012 - Textual's

    def __init__(
        self,
        name: str,
        body: Sequence[str],
        *,
        exact: Sequence[str] = (),
        fields: Sequence[Field] = (),
        options: Sequence[Option] = (),
        done: Done,
        wrong: Callable[[Sequence[str]], str] = _nothing_wrong,
        check: Callable[[str, Sequence[str]], Awaitable[str]] | None = None,
        left: Callable[[], object] = lambda: None,
        escapes: str = "closes, nothing is ordered",
        lives: Callable[[Published], bool] = lambda _: True,
        first: int = 0,
        paced: bool = False,
        by_itself: bool = False,
    ) -> None:
        super().__init__()
        self._modal = True
        self._caption = name
        self._texts = tuple(body)
        self._exact = tuple(exact)
        self._above = 0
        self._more = False
        self._fields = tuple(fields)
        self._options = tuple(options)
        self._when_done = done
        self._wrong = wrong
        self._check = check
        self._when_left = left
        self._escapes = escapes
        self._lives = lives
        self._first = first
        self._paced = paced
        self._by_itself = by_itself
        self._entered_at = float("-inf")
        self._row_at = 0
        self._answer = ""
        self._opened_at = float("inf")

    @property
    def host(self) -> RunHost:
        """The app."""
        return cast("RunHost", self.app)

    def compose(self) -> ComposeResult:
        """The frame with its text, and a line for each field laid over it."""
        yield Lines(id="form")
        for number, field in enumerate(self._fields):
            value, hint = visible(field.value), visible(field.hint)
            yield TypedField(value, placeholder=hint, compact=True, id=f"field-{number}", classes="field")

    def on_mount(self) -> None:
        """Put the cursor into the first field."""
        for each in self.query(Input):
            each.cursor_blink = False
        self._opened_at = self.host.source.clock.monotonic()
        self.call_after_refresh(self.draw)
        if self._fields:
            self._enter_field(self._first)

    def on_resize(self) -> None:
        """Wrap anew."""
        self.call_after_refresh(self.draw)

    def take(self, snapshot: Published) -> None:
        """Close when what it asks about is over."""
        if self.app.screen is self and not self._lives(snapshot):
            self.dismiss()

    def second(self) -> None:
        """Nothing here has an age."""

    def draw(self) -> None:
        """Draw the frame and put the fields where they belong."""
        snapshot = self.host.snapshot
        if snapshot is None or snapshot.run is None:
            return
        reading = Reading.of(snapshot.run, snapshot, self.host.moment())
        width = max(24, min(WIDTH, self.size.width))
        room = max(6, min(20, self.size.height - 4))
        body, places = self._body(reading, width - 4, room - 2)
        frame = self.query_one("#form", Lines)
        shown = box(self._caption, body, width, len(body) + 2, reading, asking=True)
        frame.styles.width, frame.styles.height = width, len(shown)
        frame.show(shown)
        top = frame.styles.offset.y.value
        label = max((cells(field.name) for field in self._fields), default=0) + 2
        for number, y in places.items():
            field = self.query_one(f"#field-{number}", Input)
            field.styles.offset = (2 + label, int(top) + 1 + y)
            field.styles.width = max(8, width - 4 - label)

    def _body(self, reading: Reading, width: int, room: int) -> tuple[list[Line], dict[int, int]]:
        foot = self._foot(reading, width)
        asked = len(self._fields) + sum(
            len(folded(each.words(number), width - 4)) for number, each in enumerate(self._options, 1)
        )
        text: list[Line] = []
        for part in self._texts:
            text += folded(part, width, Ink.BRIGHT if not text else Ink.TEXT)
        text += [line for row in self._exact for line in copied(row, width, Ink.ACCENT, "  ")]
        most = max(1, room - asked - len(foot) - 2)
        self._more = len(text) > most
        text, self._above = windowed(text, self._above, most, reading)
        body = [*text, Line()] if text else [Line()]
        places: dict[int, int] = {}
        for number, field in enumerate(self._fields):
            places[number] = len(body)
            body.append(Line((Span(f"{field.name}", Ink.DIM),)))
        for number, option in enumerate(self._options):
            here = number == self._row_at
            lead = Span(f"{reading.glyphs.cursor if here else ' '} ", Ink.ACCENT)
            ink = Ink.DIM if option.why_not else Ink.BRIGHT if here else Ink.TEXT
            lines = folded(option.words(number + 1), width - 2, ink, "    ", lead)
            body += [line._replace(surface=Surface.SELECTED if here else Surface.PAGE) for line in lines]
        return [*body, *foot], places

    def _foot(self, reading: Reading, width: int) -> list[Line]:
        lines = [Line()]
        if self._answer:
            lines += folded(self._answer, width, Ink.WARN)
        more = "    tab next field" if len(self._fields) > 1 else "    up, down choose" if self._options else ""
        take = (Span("enter", Ink.ACCENT), Span(" takes it    ", Ink.DIM)) if not self._by_itself else ()
        keys = (*take, Span("esc", Ink.ACCENT))
        lines.append(Line((*keys, Span(f" {self._escapes}{more}", Ink.DIM))))
        del reading
        return lines

    def action_key(self, number: int, name: str = "") -> None:
        """Do what line ``number`` of the dialog's table says; ``name`` as in ``Acting.action_key``."""
        key = FORM[number]
        getattr(self, f"act_{key.act}")(name or key.argument)

    def act_choose(self, digit: str) -> None:
        """Go to the answer with this number; it is not taken yet."""
        if self._options and int(digit) <= len(self._options):
            self._row_at = int(digit) - 1
            self.draw()

    def act_step(self, way: str) -> None:
        """Go to the next option or field."""
        if self._options:
            self._row_at = max(0, min(len(self._options) - 1, self._row_at + int(way)))
            self.draw()
        elif self._fields:
            self._enter_field((self._here() + int(way)) % len(self._fields))

    def act_scroll(self, lines: str) -> None:
        """Go on in a text that is longer than the dialog."""
        if self._more:
            self._above += int(lines)
            self.draw()

    def _enter_field(self, number: int) -> None:
        # Widget.focus() waits for the next turn, and letters typed meanwhile would stand in the field before.
        self.set_focus(self.query_one(f"#field-{number}"))
        self._entered_at = self.host.source.clock.monotonic()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Take the keys of the fields only where one has the focus."""
        del parameters
        return action not in {"take_field", "step_field"} or isinstance(self.focused, Input)

    async def action_step_field(self, way: int) -> None:
        """Go to the next field, after what was typed into this one."""
        self._write_out(await self._typed())
        self.act_step(str(way))

    async def action_take_field(self) -> None:
        """Go to the next field, or take the answer at the last one."""
        number = await self._typed()
        written_out = self._write_out(number)
        if self._paced and self.host.typed_at < self._entered_at + GUARD_S:
            self.tell("read this line, then press again")
        elif written_out and number + 1 == len(self._fields):
            self.tell("this is what it stands for; Enter takes it")
        elif number + 1 < len(self._fields):
            self._enter_field(number + 1)
        else:
            self.act_enter("")

    def _write_out(self, number: int) -> bool:
        """Put what a short form stands for into its field; say whether that is another text."""
        field = self.query_one(f"#field-{number}", Input)
        meant = self._fields[number].meant(field.value)
        if meant == field.value:
            return False
        field.value = meant
        field.cursor_position = len(meant)
        return True

    async def _typed(self) -> int:
        """Return the number of the field that has the focus, once it took what was typed."""
        number = self._here()
        await taken(self.query_one(f"#field-{number}", Input))
        return number

    def _here(self) -> int:
        # Widget.has_focus follows a turn later.
        return int((self.focused.id or "").removeprefix("field-")) if isinstance(self.focused, Input) else 0

    def on_typed_field_refused(self, message: TypedField.Refused) -> None:
        """Say why nothing of a paste was taken."""
        message.stop()
        self.tell(message.sentence)

    def on_input_changed(self, message: Input.Changed) -> None:
        """Take the answer where the letter just typed completes it; not what was typed before it could be read."""
        field = message.input
        typed = isinstance(field, TypedField) and not field.pasted
        early = self.host.typed_at < self._opened_at + GUARD_S
        if self._by_itself and self.is_current and typed and not early and not self._wrong(self._texts_typed()):
            self.act_enter("")

    def on_paste(self, event: Paste) -> None:
        """Say that nothing here takes a paste."""
        event.stop()
        self.tell("nothing here takes what was pasted")

    def act_enter(self, _: str) -> None:
        """Take the answer if nothing is missing and it was typed for this dialog."""
        if self.host.typed_at < self._opened_at + GUARD_S:
            self.tell("this dialog has just opened; read it, then press again")
            return
        texts = self._texts_typed()
        shut = self._options[self._row_at].why_not if self._options else ""
        wrong = f"not now: {shut}" if shut else self._wrong(texts)
        if wrong:
            self.tell(wrong)
        elif self._check is None:
            self._take(texts)
        else:
            self.tell("checking")
            answer = self._answer_chosen()
            self.run_worker(self._take_checked((answer, texts), self._check(answer, texts)), exclusive=True)

    async def _take_checked(self, checked: tuple[str, list[str]], check: Awaitable[str]) -> None:
        wrong, texts = await check, self._texts_typed()
        if not self.is_current:
            return
        if checked != (self._answer_chosen(), texts):
            self.tell("something else was typed while it was checked; press enter again")
        elif wrong:
            self.tell(wrong)
        else:
            self._take(texts)

    def _take(self, texts: list[str]) -> None:
        self.dismiss()
        self._when_done(self._answer_chosen(), texts)

    def _answer_chosen(self) -> str:
        return self._options[self._row_at].answer if self._options else ""

    def _texts_typed(self) -> list[str]:
        return [self.query_one(f"#field-{number}", Input).value for number in range(len(self._fields))]

    def tell(self, sentence: str) -> None:
        """Answer inside the dialog."""
        self._answer = sentence
        self.draw()

    def act_close(self, _: str) -> None:
        """Close without an order."""
        self.dismiss()
        self._when_left()

    def act_hold(self, _: str) -> None:
        """Hold everything, the dialog stays."""
        self.tell(self.host.hold())

    def act_stop(self, _: str) -> None:
        """Send the emergency stop of an orchestrator, the dialog stays."""
        self.tell(self.host.stop())
