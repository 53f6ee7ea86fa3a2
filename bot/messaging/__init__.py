"""All that arrives and all that leaves."""
