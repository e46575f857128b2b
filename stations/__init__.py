"""The agent on the bench PC: from bytes on a port to events in an outbox, and the page that the operator sees."""
