"""Processes kept on a leash: started, watched, started again, stopped, never left behind."""
