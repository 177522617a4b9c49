"""The worker's migrations, run by metrics_worker.migrate inside its transaction."""
