"""What keeps the two tables moving."""
