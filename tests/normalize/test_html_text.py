"""HTML as a person would read it aloud (normalize/html_text.py, html_depth.py)."""

import pytest

from normalize.html_depth import nested_too_deep
from normalize.html_text import html_to_text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a<br>b<br><br>c", "a\nb\n\nc"),
        ("<div>a</div>\n<div>b</div>\n\n\n<div>c</div>", "a\nb\nc"),
        ("<p>a</p>b<p>c</p>", "a\n\nb\n\nc"),
        ("<p>a\n b\t c</p>", "a b c"),
        ("<p>line<br />\nline</p>", "line\nline"),
        ("a<p></p><p>&nbsp;</p><p>b</p>", "a\n\nb"),
        ("<h1>Title</h1>words", "Title\n\nwords"),
        ("<ul><li>a<li>b<ul><li>c</ul></ul>d", "- a\n- b\n  - c\n\nd"),
        ("<ul><li><p>a</p></li><li><p>b</p></li></ul>", "- a\n- b"),
        ("<ol start=3><li>a<li>b</ol>", "3. a\n4. b"),
        ("<ol><li>a</li><li>b<ol><li>c</li></ol></li><li>d</li></ol>", "1. a\n2. b\n  1. c\n3. d"),
        ("<table><tr><th>a</th><th>b</th></tr><tr><td>c</td><td>d</td></tr></table>", "a\tb\nc\td"),
        ("<a href='mailto:a@b.example?subject=x'>write</a>", "write <a@b.example>"),
        ("<a href='mailto:a@b.example'>a@b.example</a>", "a@b.example"),
        ("<a href='javascript:x'>no</a><a href='/rel'>rel</a>", "norel"),
        ("<img src=x alt='A chair'>", "A chair"),
        ("a<hr>b", "a\n________________________________\nb"),
        ("<pre>a\n  b\n</pre>c", "a\n  b\n\nc"),
        ("<blockquote>a<br>b<blockquote>c</blockquote></blockquote>d", "> a\n> b\n>\n> > c\n\nd"),
        ("<blockquote><pre>a\nb</pre></blockquote>", "> a\n> b"),
        ("<p>1 < 2 and 3 > 2</p>", "1 < 2 and 3 > 2"),
        ("<!--[if mso]>no<![endif]-->yes", "yes"),
    ],
)
def test_legible(source: str, text: str) -> None:
    assert html_to_text(source) == text


@pytest.mark.parametrize(
    "style",
    [
        "display:none", "DISPLAY : None !important", "visibility:hidden", "visibility:collapse", "mso-hide:all",
        "font-size:0", "font-size: 0px; color: red", "opacity:0", "opacity:0.0", "max-height:0;overflow:hidden",
    ],
)  # fmt: skip
def test_invisible_text_is_left_out(style: str) -> None:
    assert html_to_text(f'<div style="{style}">no</div>yes') == "yes"


@pytest.mark.parametrize("style", ["font-size:0.9em", "opacity:0.8", "max-height:0.5em", "color:none", "line-height:0"])
def test_what_only_looks_hidden_stays(style: str) -> None:
    assert html_to_text(f'<span style="{style}">yes</span>') == "yes"


def test_too_deep_and_too_many_attributes() -> None:
    assert nested_too_deep("<div>" * 100_000)
    assert nested_too_deep("<p " + " ".join(f"a{i}='>'" for i in range(20_000)) + ">x")
    assert not nested_too_deep("<p class='a'>x</p>" * 20_000)
    assert not nested_too_deep("<tr><td>x<td>y" * 5_000)
    assert html_to_text("<div>" * 100_000 + "words").strip() == "words"
