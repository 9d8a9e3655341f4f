"""The command center: one page to run a campaign from.

All of its tabs share the header and the five cards (``frame``). Each tab has its URL (``tabs``), and with
htmx answers with the part that refreshes itself, or with 304 when nothing changed: that takes one query.
"""
