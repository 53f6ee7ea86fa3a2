"""What a person says, what it means, and what is answered."""
