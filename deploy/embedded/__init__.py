"""Apache Kafka and PostgreSQL as child processes on loopback: the same servers as in production, only smaller."""
