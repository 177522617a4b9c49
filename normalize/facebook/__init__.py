"""Facebook: posts and comments on the company's page, and Messenger.

Read are webhooks of the page (`entry[].changes[]` of the field `feed`, `entry[].messaging[]` and `standby[]`) and
answers of the Graph API that a poll gets: the page's feed with its comments, a post's comments, single posts and
comments, conversations.

`source_id` is the id of the comment or post, in Messenger the message's `mid`: webhook and poll give the same.
`provider_thread` is the post's id, in Messenger `t:<page>:<person>`. A change's revision is the time of its
notification; a hidden comment is an edited one that is no longer public. The Graph API does not tell that a comment
was edited or removed: a poll that sees it says so in the header `:change`, and the revision is the time it saw that.
"""
