"""The mailbox: real mail over real SMTP, read by people and programs."""

import smtplib
from email.message import EmailMessage

import pytest

from tests.support.receiver import receiver
from tests.support.sandbox import Sandbox

BUTTON = "http://localhost:8000/betalingen/20261123034734-66580?a=1&b=2"


def letter(subject: str = "Nieuwe betaling klaar voor Demo BV", link: str = BUTTON) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Bizcuit <noreply@example.org>"
    mail["To"] = "demo@demobv.example"
    mail["Subject"] = subject
    mail.set_content(f"Er staat een betaling klaar.\n\n{link}\n\nVragen? https://example.org/hulp.\n")
    button = link.replace("&", "&amp;")
    mail.add_alternative(
        f'<html><head><title>x</title></head><p>Er staat een betaling klaar.</p><a href="{button}">Bekijk</a>'
        '<a href="mailto:a@example.org">mail</a><script>alert(1)</script>',
        subtype="html",
    )
    return mail


def send(sandbox: Sandbox, mail: EmailMessage, to: list[str] | None = None) -> None:
    with smtplib.SMTP("127.0.0.1", sandbox.smtp_port, timeout=10) as server:
        server.send_message(mail, to_addrs=to or ["demo@demobv.example"])


def test_a_mail_arrives_with_its_links(sandbox: Sandbox):
    send(sandbox, letter())
    (mail,) = sandbox.control("GET", "inbox")
    assert mail["to"] == "demo@demobv.example"
    assert mail["subject"] == "Nieuwe betaling klaar voor Demo BV"
    assert mail["text"].startswith("Er staat een betaling klaar.")
    assert "<p>Er staat een betaling klaar.</p>" in mail["html"]
    assert mail["links"] == [BUTTON, "https://example.org/hulp"]


def test_the_newest_mail_comes_first(sandbox: Sandbox):
    send(sandbox, letter("eerste"))
    send(sandbox, letter("tweede"))
    assert [mail["subject"] for mail in sandbox.control("GET", "inbox")] == ["tweede", "eerste"]


def test_a_plain_text_mail_in_dutch(sandbox: Sandbox):
    mail = EmailMessage()
    mail["Subject"] = "Geïdentificeerd: één bedrag van € 19.806,08"
    mail.set_content("Zoë kan nu tekenen.")
    send(sandbox, mail, ["zoe@demobv.example", "noor@demobv.example"])
    (kept,) = sandbox.control("GET", "inbox")
    assert kept["subject"] == "Geïdentificeerd: één bedrag van € 19.806,08"
    assert kept["text"].strip() == "Zoë kan nu tekenen."
    assert (kept["html"], kept["links"]) == ("", [])
    assert kept["to"] == "zoe@demobv.example, noor@demobv.example"


def test_a_mail_is_shown_with_its_links(sandbox: Sandbox):
    send(sandbox, letter())
    assert 'href="/mail/1"' in sandbox.get("/mail/").text
    page = sandbox.get("/mail/1").text
    assert f'<a href="{BUTTON.replace("&", "&amp;")}">' in page
    assert "Er staat een betaling klaar." in page
    assert "<script>alert" not in page


def test_the_html_part_cannot_run_scripts(sandbox: Sandbox):
    send(sandbox, letter())
    frame = sandbox.get("/mail/1/html")
    assert "Bekijk" in frame.text
    policy = frame.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "allow-scripts" not in policy


@pytest.mark.browser
def test_links_in_a_mail_open_in_the_whole_window(sandbox: Sandbox, phone):
    with receiver() as app:
        send(sandbox, letter(link=f"{app.url}/betalingen/1"))
        phone.goto(f"{sandbox.url}/mail/1")
        phone.frame_locator("iframe").get_by_text("Bekijk").click()  # Chromium loses taps in a frame
        phone.wait_for_url(f"{app.url}/betalingen/1")


def test_an_empty_mailbox_and_an_unknown_mail(sandbox: Sandbox):
    assert "Er is nog geen mail." in sandbox.get("/mail/").text
    assert sandbox.get("/mail/7").status_code == 404
    assert sandbox.get("/mail/7/html").status_code == 404


@pytest.mark.parametrize(("fault", "code"), [("mail_refused", 550), ("mail_later", 451)])
def test_the_mail_server_can_refuse(sandbox: Sandbox, fault: str, code: int):
    sandbox.fault(**{fault: True})
    with pytest.raises(smtplib.SMTPSenderRefused) as refused:
        send(sandbox, letter())
    assert refused.value.smtp_code == code
    assert sandbox.control("GET", "inbox") == []
