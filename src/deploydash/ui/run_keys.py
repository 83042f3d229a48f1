"""The keys of a run: one table for each view, which makes its bindings, its footer and its help."""

from __future__ import annotations

from deploydash.ui.keys import EACH, Key

HOLD_ANYWHERE = "ctrl+g"
"""Holds everything, also while typing."""

STOP_ANYWHERE = "ctrl+t"
"""The emergency stop, also while typing."""

_CARD = (
    Key("H", "H", "hold everything at once; ctrl+g does it while typing, too", "hold"),
    Key("E", "E", "emergency stop of an orchestrator, at once; ctrl+t does it while typing, too", "stop"),
    Key("R", "R", "release a held run: steps can be armed and retried again", "release"),
    Key("a", "a", "arm the card: 20 s in which Enter sends it; severe steps ask for the site's name", "arm"),
    Key("enter", "enter", "on the card: send what is armed, or do what is mild; in the grid: detail", "go"),
    Key("escape", "esc", "disarm, cancel, one level back; never destructive", "back"),
    Key("d", "d", "sign off by name; or answer what the procedure or an item asks", "done"),
    Key("S", "S", "sign off all of it at once, where one person did all of it", "all_done"),
    Key("f", "f", "set the placeholders that the commands wait for", "fill"),
    Key("M", "M", "edit what a message says before it goes", "edit"),
    Key("r", "r", "retry what failed or is unknown: the one under the cursor, or those marked", "retry"),
    Key("o", "o", "a fallback for those that failed: the items marked, or the one under the cursor", "fallback"),
    Key("p", "p", "pause, resume or stop an item of this card, as its system offers it", "control"),
    Key("A", "A", "add an item outside the runbook, of a kind that a system offers", "add"),
    Key(
        "right_square_bracket",
        "]",
        "the card of the next lane that needs you; Esc goes back to the usual one",
        "lane",
        "1",
    ),
    Key("left_square_bracket", "[", "the card of the previous lane that needs you", "lane", "-1"),
    Key("1,2,3,4,5,6,7,8,9", "1-9", "the card of the lane with that number", "lane_number", EACH, palette=False),
    Key("w", "w", "waive by name with a reason: marked, under the cursor, or selected in the grid", "waive"),
    Key("D", "D", "what is owed: pass it on by name, record that it was undone, or waive it", "debts"),
    Key("C", "C", "direct command to the CSC under the cursor, or to those marked: one transition", "direct"),
    Key("s", "s", "skip the step with a reason", "skip"),
    Key("K", "K", "take note of who else commands CSCs: it goes from the card", "acknowledge"),
    Key("O", "O", "override red preconditions with a typed reason; rules cannot be overridden", "override"),
    Key("space", "space", "mark what failed on the card, or a CSC in the grid", "mark"),
    Key("asterisk", "*", "mark all of them, or none; in the grid all that match the filter", "all"),
    Key("e", "e", "10 minutes more for the wait", "extend"),
    Key("m", "m", "write a note into the journal", "note", footer="note"),
    Key("i", "i", "why the gate is closed; in the grid: why the CSC counts as it does", "why", footer="why"),
    Key("y", "y", "a message, ready to copy, to each owner of those asked about, waited for or waived", "owners"),
    Key("W", "W", "what now: what waits for you, runs, is late, is owed and comes next, in all lanes", "now"),
    Key("F", "F", "what other systems report, each with its age: feeds, facts, what departs", "facts"),
    Key("v", "v", "the exact lines of the card, each once and unwrapped, to be copied", "exact"),
    Key("V", "V", "everything about the step: preconditions, commands, names, what to be careful about", "page"),
    Key("b", "b", "bell on or off", "bell"),
    Key("B", "B", "notifications of the terminal on or off", "notes"),
)

_GRID = (
    Key("slash", "/", "filter by name, group, state or liveness", "filter", footer="filter"),
    Key("x", "x", "show only what is off target, or everything", "only", footer="off target only"),
    Key("X", "X", "show only what runs or reports another version than the cycle, or go back", "versions"),
    Key("tab", "tab", "card, runbook, grid, events", "pane", "1", footer="pane"),
    Key("shift+tab", "shift+tab", "the same backwards", "pane", "-1"),
    Key("n", "n", "in the grid: next match, or next one off target", "match", "1"),
    Key("N", "N", "previous match", "match", "-1"),
    Key("up,k", "↑ k", "up, in the pane that has the cursor", "move", "up"),
    Key("down,j", "↓ j", "down", "move", "down"),
    Key("left,h", "← h", "left", "move", "left"),
    Key("right,l", "→ l", "right", "move", "right"),
    Key("g,home", "g", "first", "move", "first"),
    Key("G,end", "G", "last", "move", "last"),
    Key("pageup", "PgUp", "a screen up", "move", "page_up"),
    Key("pagedown", "PgDn", "a screen down", "move", "page_down"),
    Key("c", "c", "colours: mismatch with the target, or the state itself", "colours"),
    Key("T", "T", "next theme", "theme"),
    Key("colon,ctrl+p", ":", "command palette", "palette", footer="commands", palette=False),
    Key("t", "t", "timeline: what each CSC was in over the run, and what happened when", "timeline", footer="timeline"),
    Key("question_mark", "?", "help", "help", footer="help"),
    Key("q", "q", "leave; asks while the run is open", "quit"),
)

RUN: tuple[Key, ...] = (*_CARD, *_GRID)
"""Keys of the run's screen."""

WAIT: tuple[Key, ...] = (
    Key("H", "H", "hold everything at once; ctrl+g does it while typing, too", "hold"),
    Key("E", "E", "emergency stop of an orchestrator, at once; ctrl+t does it while typing, too", "stop"),
    Key("R", "R", "release a held run: steps can be armed and retried again", "release"),
    Key("w", "w", "waive by name with a reason: those marked, or the one under the cursor", "waive", footer="waive"),
    Key("e", "e", "10 minutes more", "extend", footer="extend"),
    Key(
        "C",
        "C",
        "direct command to those marked, or to the one under the cursor: one transition",
        "direct",
        footer="command",
    ),
    Key("enter", "enter", "everything about the CSC under the cursor; when all CSCs are at target: end the wait", "go"),
    Key("space", "space", "mark a CSC", "mark"),
    Key("asterisk", "*", "mark all of them, or none", "all"),
    Key("y", "y", "a message, ready to copy, to the owner of those marked, or the one under the cursor", "owners"),
    Key("m", "m", "write a note into the journal", "note", footer="note"),
    Key("i", "i", "what the wait waits for", "why", footer="why"),
    Key("t", "t", "timeline: what each CSC was in over the run, and what happened when", "timeline"),
    Key("b", "b", "bell on or off", "bell"),
    Key("B", "B", "notifications of the terminal on or off", "notes"),
    Key("up,k", "↑ k", "up", "move", "-1"),
    Key("down,j", "↓ j", "down", "move", "1"),
    Key("g,home", "g", "first", "move", "-10000"),
    Key("G,end", "G", "last", "move", "10000"),
    Key("T", "T", "next theme", "theme"),
    Key("escape,q,tab", "esc", "back to the run; the wait does not end", "back", footer="run"),
    Key("question_mark", "?", "help", "help", footer="help"),
)
"""Keys of the wait's screen."""

LEADS = frozenset({"waive", "extend", "direct", "note", "release"})
"""What only the lead does, so that no observer is offered it."""


PAGE: tuple[Key, ...] = (
    Key("escape,q,V,enter", "esc", "back to the run", "close", footer="back"),
    Key("H", "H", "hold everything at once; ctrl+g does it while typing, too", "hold"),
    Key("E", "E", "emergency stop of an orchestrator, at once; ctrl+t does it while typing, too", "stop"),
    Key("down,j", "↓ j", "scroll down", "scroll", "1", footer="scroll"),
    Key("up,k", "↑ k", "scroll up", "scroll", "-1"),
    Key("pagedown,space", "PgDn", "a screen down", "scroll", "10"),
    Key("pageup", "PgUp", "a screen up", "scroll", "-10"),
)
"""Keys of the page about one step."""


EXACT: tuple[Key, ...] = (
    Key("escape,q,v,enter", "esc", "back to the card; what is armed is sent there, not here", "close", footer="card"),
    Key("Y", "Y", "copy the lines that are marked, else the one under the cursor", "copy", footer="copy"),
    Key("space", "space", "mark the line", "mark", footer="mark"),
    Key("asterisk", "*", "mark all of them, or none", "all", footer="all"),
    Key("right,l", "→ l", "further to the right", "side", "1", footer="sideways"),
    Key("left,h", "← h", "back to the left", "side", "-1"),
    Key("down,j", "↓ j", "the next line", "move", "1"),
    Key("up,k", "↑ k", "the line before", "move", "-1"),
    Key("pagedown", "PgDn", "ten lines down", "move", "10"),
    Key("pageup", "PgUp", "ten lines up", "move", "-10"),
    Key("g,home", "g", "the first line", "move", "-10000"),
    Key("G,end", "G", "the last line", "move", "10000"),
    Key("H", "H", "hold everything at once; ctrl+g does it while typing, too", "hold"),
    Key("E", "E", "emergency stop of an orchestrator, at once; ctrl+t does it while typing, too", "stop"),
)
"""Keys of the exact lines of a card."""


TIMELINE: tuple[Key, ...] = (
    Key("escape,q,t", "esc", "back to where it was opened", "close", footer="back"),
    Key("H", "H", "hold everything at once; ctrl+g does it while typing, too", "hold"),
    Key("E", "E", "emergency stop of an orchestrator, at once; ctrl+t does it while typing, too", "stop"),
    Key("left,h", "← h", "earlier", "time", "-1", footer="earlier"),
    Key("right,l", "→ l", "later; at the newest it follows what comes", "time", "1", footer="later"),
    Key("up,k", "↑ k", "the CSC above", "move", "-1"),
    Key("down,j", "↓ j", "the CSC below", "move", "1"),
    Key("n", "n", "the next moment at which something happened to this CSC", "next", "1", footer="next event"),
    Key("N", "N", "the moment before", "next", "-1"),
    Key("plus,equals_sign", "+", "less time in a column", "zoom", "1", footer="zoom in"),
    Key("minus", "-", "more time in a column", "zoom", "-1", footer="out"),
    Key("0", "0", "the whole run", "zoom", "0"),
    Key("g,home", "g", "the beginning of the run", "edge", "first"),
    Key("G,end", "G", "the newest", "edge", "last"),
    Key("pageup", "PgUp", "ten CSCs up", "move", "-10"),
    Key("pagedown", "PgDn", "ten CSCs down", "move", "10"),
    Key("T", "T", "next theme", "theme"),
    Key("question_mark", "?", "help", "help", footer="help"),
)
"""Keys of the timeline."""


DIRECT_KEYS: tuple[Key, ...] = (
    Key("enter", "enter", "take the command under the cursor; send what is armed", "go"),
    Key("a", "a", "arm the command that stands there: 20 s in which Enter sends it", "arm"),
    Key("escape,q", "esc", "disarm, choose again, close; never destructive", "back"),
    Key("up,k,shift+tab", "↑ k", "up", "move", "-1"),
    Key("down,j,tab", "↓ j", "down", "move", "1"),
    Key("1,2,3,4,5,6,7,8,9", "1-9", "to the command with that number; enter takes it", "choose", EACH),
    Key("H", "H", "hold everything at once; ctrl+g does it while typing, too", "hold"),
    Key("E", "E", "emergency stop of an orchestrator, at once; ctrl+t does it while typing, too", "stop"),
)
"""Keys of the dialog about a direct command."""


PROPOSAL: tuple[Key, ...] = (
    Key("enter", "enter", "send what is armed, or do what is mild", "go"),
    Key("a", "a", "arm it as it stands there: 20 s in which Enter sends it; severe asks for the site's name", "arm"),
    Key("escape,q", "esc", "disarm, close; never destructive", "back"),
    Key("down,j", "↓ j", "further down", "scroll", "1"),
    Key("up,k", "↑ k", "further up", "scroll", "-1"),
    Key("pagedown,space", "PgDn", "more of what is longer than the frame", "scroll", "8"),
    Key("pageup", "PgUp", "back in it", "scroll", "-8"),
    Key("H", "H", "hold everything at once; ctrl+g does it while typing, too", "hold"),
    Key("E", "E", "emergency stop of an orchestrator, at once; ctrl+t does it while typing, too", "stop"),
)
"""Keys of the dialog about a retry, another way, an added item, a control, an answer, a release."""
