"""What every engine of the ledger shares: which chain this is and what a unit of gas costs on it."""

CHAIN_ID = 20_500
GAS_PRICE = 100 * 10**9
GAS_LIMIT = 60_000_000
