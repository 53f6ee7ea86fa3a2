"""Files that staff bring, read and stored: people, afspraken, voortrajecten, ambassadeurs.

`reading.read` turns a file into a `Sheet`, `storing.store` writes its rows through a session
and gives a `Report` that a clerk can act on. Good rows are stored, bad ones refused with the
reason; the same file again changes nothing.
"""
