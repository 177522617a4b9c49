"""Computing all figures again from the topics, beside the live ones and while the worker goes on.

1. `folding`: everything that the topics hold up to their present ends is folded, partition by partition, into facts,
   and what each ticket contributes is counted at once (`tally`). Facts, and the counters of contacts, go into shadow
   tables in bulk, while the next partition is read. In memory are two partitions' tickets, and the counters of
   accounts, agents, teams, the desk and days.
2. `grouping`: merge groups are known then. What their members were counted for alone is taken away, and what they
   contribute together is added.
3. `exchange`: what came meanwhile is settled on the shadow tables by the rules of the worker, until little is left. In
   one transaction the live tables are locked, the rest is settled, the difference is taken, the tables are exchanged,
   and the worker is told by a higher epoch to begin anew. Revisions go on where they were, higher where a key differs.
"""
