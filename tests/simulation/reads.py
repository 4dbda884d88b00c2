"""What an attempt has read before a write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.memory import Sent
from tests.simulation.rows import Row, Version

if TYPE_CHECKING:
    from tests.simulation.actors import Attempt

#: Seconds between a look at a campaign's leads and its deletion, at most: five, and the way of the request.
_SHORTLY = 8.0


def last_read(attempt: Attempt, sent: Sent) -> Sent | None:
    """Return the read of a campaign that a write follows at once; None if there is none.

    A look at its leads in between does not count.
    """
    before = [one for one in _right_before(attempt, sent) if not one.lists_leads]
    return before[0] if before else None


def last_shown(attempt: Attempt, row: Row, *, deleted: bool = False) -> Version | None:
    """Return the version of a campaign that the attempt has read last; None for none.

    :param deleted: before its last deletion, which the server may carry out after later reads
    """
    until = len(attempt.sent)
    if deleted:
        deletions = [one.method == "DELETE" and one.row == row.campaign_id for one in attempt.sent]
        until = max((index for index, found in enumerate(deletions) if found), default=until)
    for sent in reversed(attempt.sent[:until]):
        if sent.method == "GET" and sent.row == row.campaign_id and sent.shown and sent.status == 200:
            return next((one for one in row.versions if one.number == sent.shown), None)
    return None


def last_look_at_leads(attempt: Attempt, sent: Sent) -> float:
    """Return when the attempt looked at a campaign's leads, right or shortly before a deletion."""
    for read in _right_before(attempt, sent):
        if read.lists_leads:
            return read.at
    looks = [one.at for one in attempt.sent if one.lists_leads and one.row == sent.row and one.status == 200]
    return looks[-1] if looks and sent.at - looks[-1] < _SHORTLY else sent.at


def _right_before(attempt: Attempt, sent: Sent) -> list[Sent]:
    """Return the reads of a campaign and its leads before a write, the last first, if nothing waited."""
    index = attempt.sent.index(sent)
    found: list[Sent] = []
    while index and not attempt.sent[index].waited and len(found) < 2:
        index -= 1
        read = attempt.sent[index]
        if read.method != "GET" or read.row != sent.row or read.status != 200:
            break
        found.append(read)
    return found


def has_activated(attempt: Attempt, row: Row, until: float) -> bool:
    """Return whether an attempt has had an answer to a write that leaves a campaign active."""
    return any(
        one.row == row.campaign_id and one.activates and one.status == 200 and one.at <= until
        for one in attempt.sent
    )


def inactive_when_read(attempt: Attempt, row: Row) -> set[int]:
    """Return the numbers of the inactive versions of a campaign that an attempt has written from."""
    writes = [one for one in attempt.sent if one.method == "PUT" and one.row == row.campaign_id]
    shown = {read.shown for one in writes if (read := last_read(attempt, one)) is not None}
    return {
        one.number
        for one in row.versions
        if one.number in shown and one.fields and not one.fields["isActive"]
    }


def is_deleted_late(row: Row, version: Version, attempt: Attempt) -> bool:
    """Return whether others have changed a campaign since the server accepted its deletion."""
    deletes = [one.at for one in attempt.sent if one.method == "DELETE" and one.row == row.campaign_id]
    accepted = [one for one in row.versions[:-1] if deletes and one.at <= deletes[-1] < version.at]
    return attempt.task.is_ensure and bool(accepted) and accepted[-1] is not row.versions[-2]
