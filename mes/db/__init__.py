"""Tables, sessions and migrations: how the state and the ledger are kept. Knows no rule."""
