"""The Flask application: pages, API, live push. Knows HTTP; the rules and the storage are in mes."""
