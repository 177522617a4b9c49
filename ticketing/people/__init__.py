"""Who works here and what they may do: agents, teams, departments, their tokens and passwords, one policy."""
