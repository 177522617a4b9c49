"""By rule, else by the domain, never a free-mail provider's."""

import pytest

from bus.settings import AccountSettings
from ticketing.accounts import AccountKey, AccountRules

RULES = AccountRules(
    AccountSettings(
        rules={"Big Corp": ["bigcorp.example", "*.bigcorp.example"], "Ann's Shop": ["Ann@gmail.com"]},
        personal_domains=["club.example"],
    )
)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("ann@Customer.example", AccountKey("customer.example", "domain")),
        ("ann@bigcorp.example", AccountKey("Big Corp", "rule")),
        ("ann@eu.bigcorp.example", AccountKey("Big Corp", "rule")),
        ("ann@notbigcorp.example", AccountKey("notbigcorp.example", "domain")),
        ("ann@gmail.com", AccountKey("Ann's Shop", "rule")),
        ("bob@club.example", None),
        ("bob@[192.0.2.1]", None),
        ("bob@localhost", None),
        ("bob", None),
        ("", None),
    ],
)
def test_which_account(address: str, key: AccountKey | None) -> None:
    assert RULES.of(address) == key


@pytest.mark.parametrize(
    "domain",
    [
        "gmail.com",
        "googlemail.com",
        "hotmail.com",
        "outlook.fr",
        "live.nl",
        "yahoo.co.jp",
        "icloud.com",
        "proton.me",
        "gmx.de",
        "web.de",
        "mail.ru",
        "qq.com",
        "naver.com",
        "ziggo.nl",
        "kpnmail.nl",
        "orange.fr",
        "laposte.net",
        "sapo.pt",
        "uol.com.br",
        "docomo.ne.jp",
        "nifty.com",
        "libero.it",
        "telenet.be",
        "bluewin.ch",
        "comcast.net",
        "aol.com",
    ],
)
def test_a_free_mail_address_makes_nobody_a_company(domain: str) -> None:
    assert RULES.of(f"bob@{domain}") is None


def test_accounts_by_domain_can_be_switched_off() -> None:
    rules = AccountRules(AccountSettings(by_domain=False, rules={"C": ["c.example"]}))
    assert rules.of("a@customer.example") is None
    assert rules.of("a@c.example") == AccountKey("C", "rule")
