"""The forum: Discourse, by webhook and by the answers of its REST API.

`source_id` is the post's id, `provider_thread` the topic's; the topic's title is the subject. A record should carry
the headers `x-discourse-event` and `x-discourse-instance`; the latter, which a poll sets too, is the forum's address
and makes links. What staff writes is an agent's: its message has the automation kind `system` with the reason
`author:staff`, so that it stands in its ticket and never opens, confirms or counts as a customer's (docs/adr/0012).
"""
