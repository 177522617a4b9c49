"""Contacts that may be one person: pairs and their evidence, for an agent to decide; nothing is merged by itself."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, LiteralString

from ticketing.identities import is_role

SUGGESTIONS: Final[LiteralString] = """
WITH root AS MATERIALIZED (SELECT id, coalesce(root_id, id) AS root, name, account_id FROM desk.contacts),
claim AS (
    SELECT kind, value, contact_id, strength, asserted_by, asserted_at FROM desk.assertions
), found AS (
    -- the channel says that an identity of one contact is the other's too
    SELECT c.root AS a, o.root AS b, 'claim' AS evidence, i.kind, i.value, k.strength, k.asserted_by, k.asserted_at
      FROM claim k JOIN desk.identities i USING (kind, value) JOIN root c ON c.id = k.contact_id
      JOIN root o ON o.id = i.contact_id WHERE i.identifying
    UNION ALL
    -- two contacts claim what is nobody's yet
    SELECT c.root, o.root, 'claim', k.kind, k.value, least(k.strength, l.strength), k.asserted_by,
           greatest(k.asserted_at, l.asserted_at)
      FROM claim k JOIN claim l ON l.kind = k.kind AND l.value = k.value AND l.contact_id > k.contact_id
      JOIN root c ON c.id = k.contact_id JOIN root o ON o.id = l.contact_id
     WHERE NOT EXISTS (SELECT 1 FROM desk.identities i WHERE i.kind = k.kind AND i.value = k.value)
    UNION ALL
    -- one mailbox under two spellings: ann+shop@example.com, ann@example.com
    SELECT c.root, o.root, 'same_mailbox', 'email', i.value, 'claimed', 'desk', i.asserted_at
      FROM desk.identities i JOIN desk.identities j ON j.kind = 'email'
       AND j.value = split_part(split_part(i.value, '@', 1), '+', 1) || '@' || split_part(i.value, '@', 2)
      JOIN root c ON c.id = i.contact_id JOIN root o ON o.id = j.contact_id
     WHERE i.kind = 'email' AND i.value LIKE '%%+%%@%%' AND i.identifying AND j.identifying
    UNION ALL
    -- people of one company with one full name
    SELECT c.root, o.root, 'same_name', 'name', NULL, 'claimed', 'desk', NULL
      FROM root c JOIN root o ON o.account_id = c.account_id AND lower(o.name) = lower(c.name) AND o.id > c.id
     WHERE c.id = c.root AND o.id = o.root AND c.name LIKE '_%% _%%'
)
SELECT least(a, b) AS one, greatest(a, b) AS other, evidence, kind, value, strength, asserted_by, asserted_at
  FROM found f WHERE a <> b AND NOT EXISTS (
      SELECT 1 FROM desk.contacts_apart p JOIN root x ON x.id = p.one JOIN root y ON y.id = p.other
       WHERE least(x.root, y.root) = least(f.a, f.b) AND greatest(x.root, y.root) = greatest(f.a, f.b))
 ORDER BY 1, 2, asserted_at DESC NULLS LAST, evidence, kind, value
"""


def suggested(rows: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """The pairs, each once with all its evidence. Role addresses are none: many people write from them."""
    pair: dict[str, Any] | None = None
    for row in rows:
        if row.value is not None and is_role(row.kind, row.value):
            continue
        if pair is None or (pair["contact_id"], pair["other_id"]) != (row.one, row.other):
            if pair is not None:
                yield pair
            pair = {"contact_id": row.one, "other_id": row.other, "evidence": []}
        pair["evidence"].append(
            {
                "kind": row.evidence,
                "identity": {"kind": row.kind, "value": row.value} if row.value is not None else None,
                "strength": row.strength,
                "asserted_by": row.asserted_by,
                "asserted_at": row.asserted_at,
            }
        )
    if pair is not None:
        yield pair
