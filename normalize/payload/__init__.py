"""What the normalizers of webhooks and polled answers share: the request, its fields, and the message made of them.

**The raw record of a webhook** (docs/adr/0009). `payload` is the HTTP body byte for byte as it came, `media_type` its
Content-Type. `headers` holds the request headers that a normalizer reads, by lower-case name, and what only the
receiver knows under names that begin with a colon: `:method` and `:path` (with its query: some telephone systems
call with GET). Secrets and signatures stay out of it; the receiver has checked them. An answer that was polled is a
record whose payload is the answer's body, with `:method` `GET` and the `:path` that was asked.

For trying things out, an envelope `{"headers", "body"}` or `{"method", "path", "headers", "body"}` is read as that
request, but only in a record without headers of its own: nobody can smuggle one through a webhook.
"""
