"""What came of direct commands, told from the records of each."""

from deploydash.core.model import CscId
from deploydash.core.procedure.csc_work import direct_command
from deploydash.core.procedure.names import DIRECT, csc_item
from deploydash.core.run.records import ItemAdded, ItemEnded, Outcome, RequestIntended
from deploydash.core.run.state import ItemStatus, RunState
from deploydash.core.views.direct_view import direct_rows, remark, said
from tests.support.runs import OPERATOR, PLAIN, after, opened

ATAOS, ESS, MTDOME = PLAIN


def let_go(state: RunState, command: str, *cscs: CscId, utc: float, override: str = "") -> RunState:
    added = (ItemAdded(DIRECT, direct_command(csc, command, override), OPERATOR, seen="ENABLED") for csc in cscs)
    return after(state, *added, utc=utc)


def test_of_each_csc_the_last_command_is_told_the_newest_last() -> None:
    state = let_go(opened(), "disable", ATAOS, ESS, utc=10.0)
    state = after(state, RequestIntended(DIRECT, csc_item(ATAOS), "lsst.sal.ATAOS.command_disable"), utc=11.0)
    first = direct_rows(state)
    assert [row.sentence for row in first] == [
        "direct command disable of ESS:104: approved, about to be sent",
        "direct command disable of ATAOS: sent, not seen yet",
    ]
    state = after(state, ItemEnded(DIRECT, csc_item(ATAOS), Outcome.REACHED, "seen DISABLED"), utc=12.0)
    state = let_go(state, "start", ATAOS, utc=13.0, override="a.yaml")
    ess, ataos = direct_rows(state)
    assert (ess.csc, ess.item) == (ESS, direct_command(ESS, "disable"))
    assert ataos.sentence == "direct command start of ATAOS, with a.yaml: approved, about to be sent"
    assert (ataos.status, ataos.began_utc) == (ItemStatus.UNDER_WAY, 13.0)


def test_an_approval_and_an_end_are_remarked_and_nothing_else() -> None:
    approved = ItemAdded(DIRECT, direct_command(MTDOME, "standby"), OPERATOR, seen="ENABLED")
    line = remark(approved, 5.0)
    assert line is not None
    assert (line.subject, line.detail, line.calm) == ("MTDome", f"standby of MTDome, by {OPERATOR}", True)
    sent = RequestIntended(DIRECT, csc_item(MTDOME), "lsst.sal.MTDome.command_standby")
    assert (remark(sent, 5.0), said(sent)) == (None, None)
    failed = remark(ItemEnded(DIRECT, csc_item(MTDOME), Outcome.FAILED, "refused"), 5.0)
    assert failed is not None
    assert (failed.subject, failed.change, failed.calm) == ("MTDome", "direct FAILED", False)
