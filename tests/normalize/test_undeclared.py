"""Bytes whose charset nobody said (normalize/undeclared.py)."""

import pytest

from normalize.undeclared import guess_charset
from tests.normalize.letters import letter, read

SAID = {
    "koi8_r": ("Тест тест", "Привет, как дела? Не могу войти в личный кабинет"),
    "cp1251": ("Привет, как дела? Не могу войти в личный кабинет", "Служба поддержки"),
    "iso8859_5": ("Привет, как дела? Не могу войти в личный кабинет",),
    "euc_jp": ("注文した商品がまだ届いていません。",),
    "cp932": ("注文した商品がまだ届いていません。", "テストメール", "ご注文の確認"),
    "cp949": ("주문한 상품이 아직 도착하지 않았습니다", "안녕하세요"),
    "gb2312": ("我的订单还没有到，请帮我查一下", "新建 文本文档.txt"),
    "big5": ("我的訂單還沒有到，請幫我查一下", "測試郵件主旨"),
    "cp1255": ("שלום, אני לא מצליח להתחבר לחשבון",),
    "cp1253": ("Δεν μπορώ να συνδεθώ στον λογαριασμό μου, παρακαλώ βοηθήστε με άμεσα γιατί",),
    "cp874": ("ผมยังไม่ได้รับสินค้าที่สั่งซื้อครับ",),
}
WESTERN = (
    "äöüßÄÖÜ", "Größe über Ärger", "déjà vu à l'été", "Çà et là", "naïve café", "Håndværker søger på Ærø",
    "Año nuevo, ¿qué pasó?", "plain", "",
)  # fmt: skip


@pytest.mark.parametrize(("charset", "text"), [(charset, text) for charset, texts in SAID.items() for text in texts])
def test_whole_words_beyond_ascii_tell_their_charset(charset: str, text: str) -> None:
    assert guess_charset(text.encode(charset)) == charset


@pytest.mark.parametrize("text", WESTERN)
def test_accents_among_latin_letters_are_western(text: str) -> None:
    assert guess_charset(text.encode("cp1252")) is None


def test_subject_body_and_file_name() -> None:
    head, _ = letter("@", 'Content-Type: text/plain; name="#"', subject="$").encode().split(b"\n\n")
    text = "Не могу войти в личный кабинет"
    mail = head.replace(b"$", text.encode("koi8_r")) + b"\n\n" + text.encode("cp1251")
    message = read(mail)
    assert (message.subject, message.text) == (text, text)
    assert "charset:unknown-8bit" in message.warnings


def test_what_is_utf8_under_another_label_is_utf8() -> None:
    for label in ("iso-8859-1", "gb2312", "windows-1251", "utf-16"):
        message = read(letter("Où êtes-vous, дорогая?", f"Content-Type: text/plain; charset={label}"))
        assert message.text == "Où êtes-vous, дорогая?"
        assert "charset:wrong-label" in message.warnings


def test_one_pair_may_be_an_accident() -> None:
    mail = letter("@", "Content-Type: text/plain; charset=iso-8859-1").encode().replace(b"@", b"\xc3\xa9")
    assert read(mail).text == "Ã©"


def test_utf8_cut_off_at_its_end_stays_utf8() -> None:
    mail = letter("x", "Content-Type: text/plain; charset=utf-8").encode() + "äöü".encode()[:-1]
    assert read(mail).text == "xäö\ufffd"


def test_the_name_of_a_file_is_in_the_charset_of_the_mail() -> None:
    part = '--b\nContent-Type: text/plain; charset=koi8-r\n\n\n--b\nContent-Type: a/b; name="@"\n\nx\n--b--\n'
    mail = letter(part, 'Content-Type: multipart/mixed; boundary="b"').encode()
    head, _, rest = mail.rpartition(b"@")
    assert read(head + "Акт".encode("koi8_r") + rest).attachments[0].name == "Акт"
