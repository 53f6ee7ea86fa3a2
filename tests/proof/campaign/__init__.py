"""Real processes that are killed, stopped and cheated, and what must be so afterwards.

`scripts/campaign.py` runs it: make campaign MINUTES=60.
"""
