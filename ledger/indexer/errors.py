"""Why the indexer stops: each reason is a type, none is passed over in silence."""

from asset_hub.core.errors import RuleRefused
from asset_hub.core.text import N_
from ledger.errors import ChainUnavailable


class SourceUnavailable(ChainUnavailable):
    """The node does not answer, or what it answers is cut off or malformed."""

    slug = "chain-source-unavailable"


class MethodMissing(SourceUnavailable):
    """The node does not have a method of the protocol."""

    slug, title, retryable = "chain-method-missing", N_("The node lacks a method that is needed"), False


class LogsDoNotFit(RuleRefused):
    """What the node delivered contradicts the block's header, also after asking again."""

    slug, title = "chain-logs-do-not-fit", N_("The node's logs do not fit its blocks")


class FinalityBroken(RuleRefused):
    """The chain replaced a block that its rule calls final: a person decides what follows."""

    slug, title = "chain-finality-broken", N_("The chain replaced a final block")


class IndexOutdated(RuleRefused):
    """The index was made by other projections or for other contracts: rebuild it."""

    slug, title = "chain-index-outdated", N_("The index must be rebuilt")


class ProjectionBroken(RuleRefused):
    """An event speaks of something that no earlier event made: a log is missing."""

    slug, title = "chain-projection-broken", N_("An event does not fit the ones before it")


class IndexDrifts(RuleRefused):
    """The index and one made afresh disagree."""

    slug, title = "chain-index-drifts", N_("The index disagrees with the chain")
