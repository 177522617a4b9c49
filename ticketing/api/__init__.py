"""The agents' API: every look at the desk and every act on it over HTTP, under `/api/v1` (docs/api.md)."""
