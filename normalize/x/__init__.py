"""X: posts and direct messages, of every generation of its API.

Read are webhooks of the Account Activity API (v1.1 objects in `…_events` lists) and of the X Activity API
(`data.event_type` and `data.payload`), items of the filtered stream and answers of API v2 (`data`, `includes`),
v1.1 statuses and direct messages, and the enterprise formats (native, and Activity Streams).

A post's `source_id` is the id of its first version (edits have ids of their own, `edit_history_tweet_ids`), and its
revision the number of edits before it. `provider_thread` is the conversation's id, which is the id of its first post;
for direct messages the two parties' ids.
"""
