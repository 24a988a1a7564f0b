"""The REST API, a module per noun: `router` has all routes without the prefix; mount it at `/api/v1`."""

from desk.api import brands, cases, coverage, events, follow_ups, mentions, moves, replies, sources
from desk.api.base import router

__all__ = ["brands", "cases", "coverage", "events", "follow_ups", "mentions", "moves", "replies", "router", "sources"]
