"""The dialog in which the site's name is typed for what is severe; it goes away when the arm does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from deploydash.core.procedure.names import StepId
from deploydash.core.published import Published
from deploydash.core.run.arm import Arm
from deploydash.core.run.orders import ArmOrder, Disarm, TypeName
from deploydash.ui.screens.form import Field, Form


def name_form(
    site: str,
    what: str,
    reach: str,
    step: StepId,
    order: Callable[[ArmOrder], object],
    armed: Callable[[Published], Arm | None],
) -> Form:
    """Return the dialog, which the last letter takes.

    ``reach``: how many it reaches, ``armed``: its arm in a snapshot, None where there is none.
    """

    def lives(newer: Published) -> bool:
        arm = armed(newer)
        return arm is not None and arm.typed_at is None

    def wrong(text: Sequence[str]) -> str:
        return "" if text[0].strip() == site else f"type exactly {site}"

    how = "It is sent 3 s after the last letter of the site's name; until then Esc cancels."
    return Form(
        f"Armed: type {site}",
        (what, f"{reach} at {site.upper()}. {how}"),
        fields=(Field("site", site),),
        done=lambda _, text: order(TypeName(text[0].strip(), step)),
        wrong=wrong,
        left=lambda: order(Disarm(step)),
        escapes="disarms, nothing is sent",
        lives=lives,
        by_itself=True,
    )
