"""The HTTP browser of the demo and the tests handles forms and errors as a real browser would."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import pytest

from tools.http_browser import HttpBrowser, PageError

PAGE = """<!doctype html><title>Adres</title><h1>Adres</h1>
<form id="first" method="post" action="/echo">
  <input name="csrf" type="hidden" value="t">
  <label for="n">Naam</label><input id="n" name="name" value="Jan">
  <input name="off" disabled value="x"><input type="checkbox" name="no" value="1">
  <label><input type="radio" name="kind" value="a" checked> Eerste</label>
  <label><input type="radio" name="kind" value="b"> Tweede</label>
  <select name="pick"><option value="1">een</option><option value="2" selected>twee</option></select>
  <textarea name="text">hoi</textarea>
  <button name="go" value="1">Verder</button><button name="stop" value="1">Stoppen</button>
</form>
<button form="first" name="apart" value="1">Apart</button>
<a href="/wrong">Naar de fout</a>"""
WRONG = "<!doctype html><h1>Adres</h1><p class='error'>Vul je naam in.</p><p role='alert'></p>"


class Site(BaseHTTPRequestHandler):
    def do_GET(self):
        pages = {"/": (200, PAGE), "/wrong": (200, WRONG), "/broken": (500, "<h1>Er ging iets mis</h1>")}
        self.answer(*pages.get(self.path, (404, "<h1>Niet gevonden</h1>")))

    def do_POST(self):
        sent = parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True)
        shown = " ".join(f"{name}={value};" for name, value in sent)
        self.answer(200, f"<h1>Ontvangen</h1><p>{shown} {self.headers['Sec-Fetch-Site']}</p>")

    def answer(self, status: int, html: str):
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(html.encode())

    def log_message(self, format, *args):
        pass


@pytest.fixture(scope="module")
def site():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_form_sends_the_values_that_a_browser_would(site: str, visitor: HttpBrowser):
    page = visitor.open(site).form("first").fill(name="Piet").choose("Tweede").submit("Verder")
    assert page.text == "Ontvangen csrf=t; pick=2; text=hoi; name=Piet; kind=b; go=1; same-origin"


def test_a_button_outside_its_form_belongs_to_it(site: str, visitor: HttpBrowser):
    assert "apart=1;" in visitor.open(site).form().submit("Apart").text


def test_an_error_on_the_page_raises(site: str, visitor: HttpBrowser):
    page = visitor.open(site).link("Naar de fout")
    assert page.errors == ["Vul je naam in."]


@pytest.mark.parametrize(
    ("do", "says"),
    [
        (lambda page: page.form().fill(surname="x"), "no field 'surname'"),
        (lambda page: page.form().choose("Derde"), "no choice 'Derde'"),
        (lambda page: page.form().submit("Betaal"), "no button 'Betaal'"),
        (lambda page: page.form("/elsewhere"), "no form '/elsewhere'"),
        (lambda page: page.link("Weg"), "no link 'Weg'"),
        (lambda page: page.expect_text("Uitgevoerd"), "does not say 'Uitgevoerd'"),
        (lambda page: page.visitor.open(page.url + "broken"), "500 Er ging iets mis"),
    ],
)
def test_a_missing_field_is_named(site: str, visitor: HttpBrowser, do, says: str):
    with pytest.raises(PageError, match=says):
        do(visitor.open(site))
