"""What is submitted on the website: the help centre's ticket form, and contact forms embedded anywhere.

A submission is JSON, application/x-www-form-urlencoded or multipart/form-data with these names: `name`, `email`,
`phone`, `subject`, `text` (or `message`), `feedback` (a form that is feedback only), `id` (the nonce that makes a
double click one submission), `page`, `priority`, `category`, `language`. What else is asked stands in `fields` (JSON)
or under its own name; names that begin with an underscore are the form's own business and left out. Files: parts of
the multipart, or in JSON `attachments: [{"name", "media_type", "data": <base64>}]`.

The receiver sets `:identity`, the mail address of a logged-in visitor whose signature it has checked (then the author
is verified), `idempotency-key` as it came, and `:feedback` `only` when the form takes nothing but feedback.
"""
