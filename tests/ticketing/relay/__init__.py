"""Tests of the relay on the real Kafka and PostgreSQL."""
