"""What people allowed, and what follows from it."""
