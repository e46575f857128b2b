"""Measurements: programs that print JSON, run by hand. Not collected by pytest; nothing here asserts a time."""
