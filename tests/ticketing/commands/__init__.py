"""Tests of the desk's commands and its service."""
