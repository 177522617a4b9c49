"""What mail programs mark in HTML (normalize/reply_html.toml): pages of our own in the structure that they write."""
# ruff: noqa: E501 - pages stand here as programs write them

import pytest

from normalize.html_text import html_to_text
from normalize.reply_html import text_without_quotes
from normalize.reply_text import reply_text
from tests.normalize.letters import letter, read

OLD = "Your parcel is on its way."
REPLIES = {
    "gmail": f"""<div dir="ltr">Mine.</div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">
        On Mon, Nov 2, 2026 at 5:03 PM Support &lt;<a href="mailto:support@desk.example">support@desk.example</a>&gt; wrote:<br>
        </div><blockquote class="gmail_quote" style="margin:0 0 0 .8ex"><div dir="ltr">{OLD}</div></blockquote></div>""",
    "gmail, long ago": f"""Mine.<div class="gmail_extra"><br><div class="gmail_quote">2016-11-02 17:03 GMT+01:00 Support <span
        dir="ltr">&lt;support@desk.example&gt;</span>:<br><blockquote class="gmail_quote">{OLD}</blockquote></div></div>""",
    "apple mail": f"""<html><body>Mine.<br><div><br><blockquote type="cite"><div>On 2 Nov 2026, at 17:03, Support wrote:</div><br>
        <div><div>{OLD}</div></div></blockquote></div></body></html>""",
    "apple mail on a phone": f"""<div dir="ltr">Mine.<br><br>Sent from my iPhone</div><div dir="ltr"><br><blockquote type="cite">On
        2 Nov 2026, at 17:03, Support &lt;support@desk.example&gt; wrote:<br><br></blockquote></div><blockquote type="cite"><div
        dir="ltr">{OLD}</div></blockquote>""",
    "thunderbird": f"""<body><p>Mine.</p><div class="moz-cite-prefix">On 02/11/2026 17:03, Support wrote:<br></div><blockquote
        type="cite" cite="mid:1@desk.example"><p>{OLD}</p></blockquote><pre class="moz-signature">-- \nAnna</pre></body>""",
    "outlook on the web": f"""<div>Mine.</div><div id="appendonsend"></div><hr style="display:inline-block;width:98%" tabindex="-1"><div
        id="divRplyFwdMsg" dir="ltr"><b>From:</b> Support<br><b>Sent:</b> Monday<br></div><div>{OLD}</div>""",
    "outlook on the web, sanitized": f"""<div>Mine.</div><div id="x_divRplyFwdMsg"><b>Van:</b> Support</div><div>{OLD}</div>""",
    "outlook": f"""<div class="WordSection1"><p class="MsoNormal">Mine.</p><div><div style="border:none;border-top:solid #E1E1E1 1.0pt;
        padding:3.0pt 0in 0in 0in"><p class="MsoNormal"><b>From:</b> Support</p></div></div><p>{OLD}</p></div>""",
    "outlook in a language we do not know": f"""<p>Mine.</p><div style='border:none;border-top:solid #B5C4DF 1.0pt;padding:3.0pt 0cm
        0cm 0cm'><p><b>Frá:</b> Support<br><b>Sent þann:</b> 2. 11. 2026</p></div><p>{OLD}</p>""",
    "outlook of 2003": f"""<div><p>Mine.</p><div><div class="MsoNormal" align="center"><font><span><hr size="3" width="100%" align="center"
        tabindex="-1"></span></font></div><p><b>From:</b> Support</p></div><p>{OLD}</p></div>""",
    "outlook for mac": f"""<div>Mine.</div><span id="OLK_SRC_BODY_SECTION"><div>From: Support</div><div>{OLD}</div></span>""",
    "outlook on a phone": f"""<div>Mine.</div><div id="ms-outlook-mobile-signature">Get Outlook</div><div
        id="mail-editor-reference-message-container"><div>{OLD}</div></div>""",
    "windows mail": f"""<div>Mine.</div><div style="padding-top: 5px; border-top-color: rgb(229, 229, 229); border-top-width: 1px;
        border-top-style: solid;"><b>From:</b> Support</div><div>{OLD}</div>""",
    "hotmail": f"""<div>Mine.</div><div><hr id="stopSpelling">Date: Mon, 2 Nov 2026<br>{OLD}</div>""",
    "yahoo": f"""<div>Mine.</div><div id="ydp1a2b3c4dyahoo_quoted_1234567890" class="ydp1a2b3c4dyahoo_quoted"><div>On Monday, Support
        wrote:</div><div>{OLD}</div></div>""",
    "yahoo, plain": f"""<div>Mine.</div><div class="yahoo_quoted">On Monday, Support wrote:<br>{OLD}</div>""",
    "proton mail": f"""<div>Mine.</div><div class="protonmail_signature_block"><div>Sent with Proton Mail</div></div><div
        class="protonmail_quote">On Monday, November 2nd, 2026, Support wrote:<br><blockquote class="protonmail_quote"
        type="cite">{OLD}</blockquote></div>""",
    "tutanota": f"""<div>Mine.</div><div>2 Nov 2026, 17:03 by support@desk.example:<br></div><blockquote class="tutanota_quote">{OLD}
        </blockquote>""",
    "zoho": f"""<div>Mine.</div><div class="zmail_extra"><div>---- On Mon, 02 Nov 2026 17:03:12 +0100 Support wrote ----</div>
        <blockquote>{OLD}</blockquote></div>""",
    "zimbra": f"""<div>Mine.</div><hr id="zwchr" data-marker="__DIVIDER__"><div data-marker="__HEADERS__"><b>From: </b>"Support"
        </div><div data-marker="__QUOTED_TEXT__">{OLD}</div>""",
    "gmx": f"""<div>Mine.</div><div name="quote" style="margin:10px 5px"><div><b>Gesendet:</b> Montag</div><div>{OLD}</div></div>""",
    "spark": f"""<div name="messageBodySection">Mine.</div><div name="messageSignatureSection">Anna</div><div
        name="messageReplySection">On 2 Nov 2026, Support wrote:<br><blockquote type="cite">{OLD}</blockquote></div>""",
    "roundcube": f"""<p>Mine.</p><p id="reply-intro">On 2026-11-02 17:03, Support wrote:</p><blockquote type="cite">{OLD}
        </blockquote>""",
    "mail.ru": f"""<div>Mine.</div>Понедельник, 2 ноября 2026, 17:03 +03:00 от Support &lt;support@desk.example&gt;:<br><blockquote
        style="border-left:1px solid #0857A6">{OLD}</blockquote>""",
    "yandex": f"""<div>Mine.</div><div> </div><div>02.11.2026, 17:03, "Support" &lt;support@desk.example&gt;:</div><blockquote><div>
        {OLD}</div></blockquote>""",
    "a rule and a header": f"""Mine.<br><hr>From: support@desk.example<br>To: anna@customer.example<br>Subject: x<br><br>{OLD}""",
    "qq": f"""<div>Mine.</div><div><includetail><div>------------------ 原始邮件 ------------------</div><div><b>发件人:</b> Support</div>
        <div>{OLD}</div></includetail></div>""",
}  # fmt: skip


def reply(source: str) -> str:
    return reply_text(text_without_quotes(source) or html_to_text(source))


@pytest.mark.parametrize("program", REPLIES)
def test_history_goes(program: str) -> None:
    assert reply(REPLIES[program]).strip() == "Mine."


def test_answers_between_quotes_stay_with_what_they_answer() -> None:
    gmail = """<div class="gmail_quote"><div class="gmail_attr">On Mon, Nov 2, 2026 at 5:03 PM Support wrote:</div>
        <blockquote class="gmail_quote">Colour?</blockquote><div>Red.</div><blockquote class="gmail_quote">Size?</blockquote>
        <div>Large.</div><blockquote class="gmail_quote">Bye</blockquote></div>"""
    apple = """On 2 Nov 2026, at 17:03, Support wrote:<br><blockquote type="cite">Colour?</blockquote><div>Red.</div>
        <blockquote type="cite">Size?</blockquote><div>Large.</div><blockquote type="cite">Bye</blockquote>"""
    for source in (gmail, apple):
        answered = " ".join(reply(f"<div>Hello.</div>{source}").split())
        assert answered.startswith("Hello.")
        assert answered.endswith("Red. > Size? Large.")


def test_an_answer_below_the_quote_stays() -> None:
    source = """<div class="moz-cite-prefix">On 02/11/2026 17:03, Support wrote:<br></div><blockquote type="cite">Colour?
        </blockquote><p>Red.</p>"""
    assert reply(source) == "Red."


def test_what_was_forwarded_is_kept() -> None:
    forwarded = """<div dir="ltr"><br><div class="gmail_quote"><div class="gmail_attr">---------- Forwarded message ---------<br>From:
        Support &lt;support@desk.example&gt;<br>Date: Mon, Nov 2, 2026<br>Subject: Parcel<br>To: anna@customer.example<br></div><br>
        <br><div>It is <blockquote>still</blockquote> not here.</div></div></div>"""
    message = read(letter(forwarded, "Content-Type: text/html; charset=utf-8"))
    assert isinstance(message.reply_text, str)
    assert "not here" in message.reply_text


def test_a_quote_that_its_author_chose_is_no_structure() -> None:
    assert text_without_quotes("<p>As they say:</p><blockquote>Time flies</blockquote><p>So answer.</p>") is None
    assert reply("<p>As they say:</p><blockquote>Time flies</blockquote><p>So answer.</p>").startswith("As they say:")
