"""The exception tree.

DeploydashError
└── UserError                what an operator did or configured; shown as a sentence, never a traceback
    ├── ConfigurationError   a file or the environment cannot be used; carries every problem (exit 2)
    └── FeedError            an outside system refused or cannot be reached; says what to do next
"""

from __future__ import annotations

from dataclasses import dataclass


class DeploydashError(Exception):
    """The root of all errors that deploydash raises on purpose."""


class UserError(DeploydashError):
    """Shown without a traceback. ``hint`` says what to do next."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file: where, which key, what, what to do.

    ``line`` counts from 1 and is 0 for the whole file.
    """

    file: str
    line: int
    key: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        key = f" {self.key}:" if self.key else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{where}:{key} {self.message}{hint}"


class ConfigurationError(UserError):
    """A configuration that cannot be used, with every problem found in it at once."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class FeedError(UserError):
    """An outside system refused us or cannot be reached. ``system`` names it as the header does."""

    def __init__(self, system: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.system = system
