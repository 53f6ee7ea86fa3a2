"""Stap Vooruit: reminders, invitations and referrals in the reader's own language."""
