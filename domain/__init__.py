"""The business in plain Python: no clock, environment, SQL or HTTP."""
