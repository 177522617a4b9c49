"""Servers that speak the documented protocols of providers which cannot run here, and tests of what speaks to them."""
