"""Jobs in words: what each does for people, and why one failed."""

from collections.abc import Mapping
from typing import Any

from asset_hub.core.jobs import JobState
from asset_hub.core.text import N_, Text

STATE_NAMES: Mapping[JobState, str] = {
    JobState.QUEUED: N_("Waiting"),
    JobState.RUNNING: N_("Running"),
    JobState.DONE: N_("Done"),
    JobState.FAILED: N_("Failed"),
}
STATE_MARKS: Mapping[JobState, str] = {
    JobState.QUEUED: "",
    JobState.RUNNING: "busy",
    JobState.DONE: "good",
    JobState.FAILED: "bad",
}
JOB_NAMES: Mapping[str, str] = {
    "ingest.process_item": N_("Check and describe a file"),
    "search.index_asset": N_("Make an asset findable"),
    "search.flush": N_("Write the search index"),
    "ledger.submit": N_("Send to the ledger"),
    "ledger.admit_organisation": N_("Record a member on the ledger"),
    "ledger.register_asset": N_("Record an asset on the ledger"),
    "ledger.anchor_receipt": N_("Record a receipt on the ledger"),
    "ledger.follow_chain": N_("Read what the ledger recorded"),
    "ledger.check_index": N_("Compare what was read with the ledger"),
    "operations.sweep_files": N_("Remove files that nothing refers to"),
    "ledger.follow_house": N_("Tell the ledger whether a house is suspended"),
    "ledger.follow_halt": N_("Tell the ledger whether trade in an asset is halted"),
    "ledger.lapse_unsigned": N_("Let an unsigned act lapse"),
    "ledger.carry_out_change": N_("Carry out an announced change of keys or roles"),
    "marketplace.on_entry_confirmed": N_("Tell the trade that the ledger confirmed"),
    "marketplace.on_entry_refused": N_("Tell the trade that the ledger refused"),
    "ledger.stamp_day": N_("Have yesterday stamped by a time stamping authority"),
    "marketplace.on_day_attested": N_("Put third parties' word on certificates"),
    "marketplace.follow_order": N_("Tell the ledger how an order stands"),
    "marketplace.find_overdue": N_("Find orders whose time is over"),
    "marketplace.prepare_delivery": N_("Prepare licensed files"),
}


def reason_of(error: Mapping[str, Any] | None) -> Text | None:
    """Return why the last attempt of a job failed; None when none did."""
    if error is None:
        return None
    if error["slug"] == "worker-died":
        return Text(N_("Its process ended again and again, e.g. for want of memory. What was done before is kept."))
    if error["slug"] == "internal":
        return Text(N_("A mistake of the program: {error}"), {"error": error["message"]})
    return Text(error["message"], error["params"])
