"""The acts that permissions name, in words: for choosing what a token may do and for saying what a role may not.

Only words: who may do what is in the TABLE of each package. tests/accounts/test_acts.py misses none.
"""

from collections.abc import Mapping

from asset_hub.core.text import N_

ACT_NAMES: Mapping[str, str] = {
    "accounts.apply": N_("apply for membership"),
    "accounts.check": N_("check applications"),
    "accounts.list_parties": N_("see members and applications"),
    "accounts.manage_members": N_("add people and change their roles"),
    "accounts.suspend": N_("suspend and reinstate houses"),
    "catalogue.collect": N_("arrange collections"),
    "catalogue.describe": N_("describe assets"),
    "catalogue.draft": N_("make drafts"),
    "catalogue.publish": N_("publish assets"),
    "catalogue.restrict": N_("restrict any asset"),
    "catalogue.restrict_own": N_("restrict assets of the house"),
    "curation.curate": N_("curate themed catalogues"),
    "ingest.read": N_("see what was handed in"),
    "ingest.receive": N_("bring files in"),
    "ingest.retry": N_("try failed files again"),
    "ledger.decree": N_("put a court's or authority's decision on record"),
    "ledger.deed": N_("agree to titles, transfers, pledges and ends for the house"),
    "ledger.end_licence": N_("agree to the end of a licence that the house bought"),
    "ledger.hold": N_("hold rights before buying"),
    "ledger.oversee": N_("see every deed"),
    "ledger.bring_case": N_("bring, answer and settle disputes"),
    "ledger.close_case": N_("close decided disputes"),
    "ledger.compact": N_("take ended licences off the ledger's lists"),
    "ledger.keys": N_("keep the keys of the house and sign by them"),
    "ledger.confirm": N_("confirm, as the second person, what the exchange's key signs for a house"),
    "ledger.confirm_office": N_("confirm, as the second person, what the exchange does with keys and roles"),
    "ledger.pause": N_("pause trade, and let it go on"),
    "ledger.recover_key": N_("recover, renew and end keys of houses"),
    "ledger.sign_role": N_("sign by the authority's own key"),
    "ledger.change_roles": N_("change the exchange's own keys and who has which role on the ledger"),
    "ledger.withdraw_role": N_("withdraw an announced change of keys or roles"),
    "ledger.oversee_unsigned": N_("see whose signatures are missing"),
    "ledger.object": N_("object to statements"),
    "ledger.oversee_cases": N_("see every dispute"),
    "ledger.oversee_statements": N_("see every statement"),
    "ledger.publish_statement": N_("publish royalty statements"),
    "ledger.rule_case": N_("freeze works and decide disputes"),
    "ledger.see_cases": N_("see the disputes of the house"),
    "ledger.see_statements": N_("see the statements of the house"),
    "marketplace.sublicense": N_("offer licences under those that the house has"),
    "marketplace.attest_payment": N_("attest payments"),
    "marketplace.evidence": N_("export evidence of any licence"),
    "marketplace.fetch": N_("fetch licensed files"),
    "marketplace.list": N_("offer assets and set prices"),
    "marketplace.order": N_("order and pay"),
    "marketplace.quote": N_("ask for quotes"),
    "marketplace.record_title": N_("record titles to rights"),
    "marketplace.see_grants": N_("see the licences sold"),
    "operations.retry_jobs": N_("run failed jobs again"),
    "operations.see_jobs": N_("see the jobs"),
}


def name_of_act(action: str) -> str:
    """Return the words for an act, as a message id; an unknown act names itself."""
    return ACT_NAMES.get(action, action)
