"""How the send protocol is shown to hold: runs of it, the laws they must keep, kept mistakes.

docs/reliability.md says what is promised and what was found.
"""
