"""The doors: verify, write down, wake the worker, answer. No door has a path to sending."""
