"""The practice ground: stands in for Twilio and Telegram, with phones in the browser.

A process of its own that speaks the providers' published HTTP. It imports nothing of the
house, and nothing of the house imports it: all they share is HTTP.
"""
