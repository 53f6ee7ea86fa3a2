"""The verbs of the nouns: what is done to people, afspraken, voortrajecten and broadcasts."""
