-- What lies in a desk of :tickets tickets; read by filing_at_size.py, which puts the number in.
CREATE FUNCTION pg_temp.named(source text) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$
    SELECT encode(substring(sha256('email'::bytea || '\x00'::bytea || convert_to(source, 'UTF8')) FROM 1 FOR 16), 'hex')::uuid
$$;
CREATE FUNCTION pg_temp.ticket(n bigint) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT md5('ticket' || n) $$;
CREATE FUNCTION pg_temp.message(n bigint) RETURNS text IMMUTABLE LANGUAGE sql AS $$
    SELECT encode(sha256(convert_to('m' || n, 'UTF8')), 'hex') $$;
CREATE FUNCTION pg_temp.person(ticket bigint) RETURNS bigint IMMUTABLE LANGUAGE sql AS $$
    SELECT (ticket * 7919) % greatest(1, :tickets / 2) $$;
CREATE FUNCTION pg_temp.address(person bigint) RETURNS text IMMUTABLE LANGUAGE sql AS $$
    SELECT 'p' || person || '@c' || person % 5000 || '.example' $$;

INSERT INTO desk.accounts (id, key, name, created_at)
SELECT md5('account' || n), 'c' || n || '.example', 'c' || n || '.example', now() - interval '90 days'
  FROM generate_series(0, least(4999, :tickets / 2)) AS n;
INSERT INTO desk.contacts (id, name, language, account_id, account_by, version, created_at)
SELECT md5('contact' || n), 'Person ' || n, 'en', md5('account' || n % 5000), 'domain', 1, now() - interval '90 days'
  FROM generate_series(0, :tickets / 2) AS n;
INSERT INTO desk.identities (kind, value, contact_id, asserted_by, strength, asserted_at)
SELECT 'email', pg_temp.address(n), md5('contact' || n), 'channel', 'claimed', now() - interval '90 days'
  FROM generate_series(0, :tickets / 2) AS n;
INSERT INTO desk.tickets (id, number, root_id, requester_message_id, subject, status, priority, contact_id, account_id,
    channel, account, language, messages, attachments, replies, opened_at, last_message_at, updated_at, closed_at, version)
SELECT pg_temp.ticket(n), n, pg_temp.ticket(n), pg_temp.message(3 * n), 'Lamp ' || n,
       CASE WHEN n % 4 = 0 THEN 'open' ELSE 'closed' END, 'normal', md5('contact' || pg_temp.person(n)),
       md5('account' || pg_temp.person(n) % 5000), 'email', 'support', 'en', 3, 0, 1, at, at, at,
       CASE WHEN n % 4 <> 0 THEN at END, 5
  FROM generate_series(1, :tickets) AS n,
       LATERAL (SELECT now() - interval '60 days' * (1 - n / :tickets::float) AS at) AS t;
INSERT INTO desk.messages (id, ticket_id, source_id, channel, account, author_kind, author_address, contact_id, addressed,
    automation, dmarc, authentic, acquainted, third_party, is_root, subject, received_at, occurred_at, match, fingerprint,
    revision, normalizer, attachments, raw_topic, raw_partition, raw_offset, document, filed_at)
SELECT pg_temp.message(n), pg_temp.ticket(n / 3), 'm' || n || '@size.example', 'email', 'support', 'email',
       pg_temp.address(pg_temp.person(n / 3)), md5('contact' || pg_temp.person(n / 3)), '{support@desk.example}', 'human',
       'pass', true, n % 3 > 0, false, n % 3 = 0, 'Lamp ' || n / 3, at, at, '{"rule": "own_reference"}',
       md5('print' || n)::uuid, 0, 'mail/2', 0, 'raw.email', 0, n, '{}', at
  FROM generate_series(3, 3 * :tickets + 2) AS n,
       LATERAL (SELECT now() - interval '60 days' * (1 - n / (3 * :tickets::float)) AS at) AS t;
INSERT INTO desk.names (value, message_id, own)
SELECT pg_temp.named('m' || n || '@size.example'), pg_temp.message(n), true
  FROM generate_series(3, 3 * :tickets + 2) AS n
UNION ALL SELECT pg_temp.named('m' || n - n % 3 || '@size.example'), pg_temp.message(n), false
  FROM generate_series(3, 3 * :tickets + 2) AS n WHERE n % 3 > 0
UNION ALL SELECT pg_temp.named('unseen' || n / 3 || '@size.example'), pg_temp.message(n), false
  FROM generate_series(3, 3 * :tickets + 2) AS n WHERE n % 3 = 2
UNION ALL SELECT pg_temp.named('hub' || n / 200 % 50 || '@size.example'), pg_temp.message(n), false
  FROM generate_series(3, 3 * :tickets + 2) AS n WHERE n % 200 = 0;
INSERT INTO desk.replies (id, ticket_id, purpose, channel, account, recipient, mailbox, message_id, state, attempt, document,
    words, created_at, state_at)
SELECT md5('reply' || n), pg_temp.ticket(n), 'confirmation', 'email', 'support', pg_temp.address(pg_temp.person(n)),
       pg_temp.address(pg_temp.person(n)), 'reply' || n || '@desk.example', 'sent', 1, '{"subject": "[#' || n || ']"}',
       md5('words' || n), at, at
  FROM generate_series(1, :tickets) AS n,
       LATERAL (SELECT now() - interval '60 days' * (1 - n / :tickets::float) AS at) AS t;
INSERT INTO desk.ticket_events (event_id, ticket_id, version, type, occurred_at, recorded_at, document)
SELECT md5('event' || n || '/' || v), pg_temp.ticket(n), v, 'ticket.message_received', now(), now(), '{}'
  FROM generate_series(1, :tickets) AS n, generate_series(1, 5) AS v;
INSERT INTO desk.contact_events (event_id, contact_id, version, type, recorded_at, document)
SELECT md5('contact event' || n), md5('contact' || n), 1, 'contact.created', now(), '{}'
  FROM generate_series(0, :tickets / 2) AS n;
SELECT setval('desk.ticket_number', :tickets);
