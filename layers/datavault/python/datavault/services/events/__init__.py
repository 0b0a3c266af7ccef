"""Events: telling other teams what the ledger says, at least once and with a number each."""
