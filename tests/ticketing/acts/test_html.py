"""An agent's HTML leaves the desk harmless, and can be read without HTML."""

import pytest

from ticketing.acts.plain import in_html, plain, safe


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Hello <b>Ann</b>,</p><p>yes.<br>Bob</p>", "Hello Ann,\n\nyes.\nBob"),
        ("<ul><li>one</li><li>two &amp; three</li></ul>", "- one\n- two & three"),
        ("see <a href='https://x.example/a'>this page</a> now", "see this page (https://x.example/a) now"),
        ("<a href='mailto:a@x.example'>a@x.example</a>", "a@x.example"),
        ("<table><tr><td>a</td></tr><tr><td>b</td></tr></table>", "a\nb"),
        ("  <div>  much \n\n space </div> ", "much space"),
        ("日本語<br>二行目", "日本語\n二行目"),
        ("<a href='https://x.example'>open <b>left", "open left"),
    ],
)
def test_its_text(html: str, text: str) -> None:
    assert plain(html) == text


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ("<p onclick='x()'>Hi</p>", "<p>Hi</p>"),
        ("<script>x()</script>ok", "ok"),
        ("<a href='javascript:x()'>a</a>", '<a rel="noopener noreferrer">a</a>'),
        ("<img src='https://tracker.example/p.gif'>ok", "ok"),
        ("<style>p{}</style><p style='position:fixed'>ok</p>", "<p>ok</p>"),
        ("<svg><script>x</script></svg>ok", "ok"),
        ("<iframe src='//x'></iframe>ok", "ok"),
    ],
)
def test_nothing_acts_loads_or_hides(html: str, left: str) -> None:
    assert safe(html) == left


def test_a_signature_in_html_is_text() -> None:
    assert in_html("A <b>\nB") == "A &lt;b&gt;<br>\nB"
