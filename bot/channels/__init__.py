"""The providers. Knows no database and no Flask."""
