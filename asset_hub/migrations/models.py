"""Imports every package's tables, so that one metadata knows them all; the only module that does."""

from sqlmodel import SQLModel

import asset_hub.accounts.models
import asset_hub.catalogue.models
import asset_hub.core.jobs
import asset_hub.curation.models
import asset_hub.messages.models
import ingest.models
import ledger.case_models
import ledger.index_models
import ledger.key_models
import ledger.models
import ledger.nonces
import ledger.order_models
import marketplace.models
import search.models

metadata = SQLModel.metadata
packages = (
    asset_hub.core.jobs,
    asset_hub.accounts.models,
    asset_hub.messages.models,
    asset_hub.catalogue.models,
    ingest.models,
    ledger.models,
    ledger.index_models,
    ledger.nonces,
    ledger.case_models,
    ledger.order_models,
    ledger.key_models,
    marketplace.models,
    asset_hub.curation.models,
    search.models,
)
