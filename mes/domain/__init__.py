"""The rules of the workshop: pure functions over values. No I/O, no clock, no database; usable on a station too."""
