"""A stand-in for the carrier Plivo: its REST API, webhooks, XML and audio streams over real HTTP.

Run it with ``python -m simulator``. It knows nothing of the product it serves, only the carrier's
public face; ``docs/simulator.md`` is its manual.
"""
