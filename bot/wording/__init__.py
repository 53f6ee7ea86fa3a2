"""What is said, and in which language. Knows no database and no channel."""
