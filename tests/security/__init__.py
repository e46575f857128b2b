"""Attacks on a running server, one file a family; docs/security.md is the list."""
