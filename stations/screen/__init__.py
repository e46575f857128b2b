"""The page of one bench, served on loopback by the agent, with its lamp and its beep."""
