"""The server side of Atelier: rules, ledger, use cases and what is read. Knows neither Flask nor serial ports."""
