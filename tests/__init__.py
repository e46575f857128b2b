"""Tests of Atelier, one folder a part; `tests/floor` runs whole shifts."""
