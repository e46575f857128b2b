"""Virtual scanners, scales, testers and whole benches, on pseudo-terminals: shipped, for the demo and the tests."""
