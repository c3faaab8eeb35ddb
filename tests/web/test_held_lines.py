"""Lines that cannot be paid: from the webhook to the payment's page, the mail, and the order without them."""

import re

import pytest

from core.clock import utcnow
from domain.orders import submission
from domain.outbox import mail, push_delivery
from domain.overview import worklist
from domain.payroll import intake, run_discovery, run_dues, webhook_deliveries, webhook_keys
from jobs import mail_rendering, push_rendering
from models import BankOrder, Batch, BatchLine, Client, Due, HeldLine, Membership, OrderLine, PayrollCompany, PayrollRun
from tests.support.factories import Demo, make_user
from tests.support.pain001_builder import IBANS, File, Line, Part, file_of
from tests.support.push import Receiver
from tests.support.sandbox import Sandbox
from tests.support.web_client import Page, Site, WebClient

GOOD, WRONG = "NL52ABNA7650143244", "NL53ABNA7650143244"
NAOMI = Line(cents=120_000, name="Meijer, Naomi", iban=GOOD)
HELD = Line(cents=120_000, name="Meijer, Naomi", iban=WRONG)


def deliver(site: Site, demo: Demo) -> list[Batch]:
    """Nmbrs calls the webhook; the worker does what follows."""
    address = webhook_keys.webhook_url(demo.client)
    answer = site.app.test_client().post(address[address.index("/client/") :], json={"CompanyId": 9969})
    assert answer.status_code == 200
    for delivery_id in webhook_deliveries.unprocessed_deliveries(demo.client.id):
        for company_id in webhook_deliveries.process_delivery(delivery_id):
            run_discovery.discover_runs(company_id)
    return [batch for run_id in intake.due_runs() if (batch := intake.import_run(run_id))]


def run(site: Site, demo: Demo, *lines: Line) -> list[Batch]:
    site.sandbox.run_payroll(sepa=file_of(*lines).xml(), webhook="none")
    return deliver(site, demo)


def change_file(site: Site, *lines: Line, **how: bool) -> None:
    given = {"action": "again", "sepa": file_of(*lines).xml(), "webhook": "none", **how}
    site.sandbox.control("POST", f"nmbrs/runs/{PayrollRun.get().nmbrs_id}", given)


def run_again(site: Site, demo: Demo, *lines: Line) -> list[Batch]:
    """The file of the run changes in Nmbrs, and nothing else of it; we read the run again by ourselves."""
    change_file(site, *lines, keep_run_at=True)
    assert PayrollRun.select().where(PayrollRun.due_at > utcnow()).exists()
    PayrollRun.update(due_at=utcnow()).execute()
    PayrollCompany.update(poll_due_at=None).execute()
    return [batch for run_id in intake.due_runs() if (batch := intake.import_run(run_id))]


def at(demo: Demo, batch: Batch, tail: str = "") -> str:
    return f"/{demo.client.public_id}/betalingen/{batch.reference}{tail}"


def read(owner: WebClient, demo: Demo, batch: Batch) -> Page:
    """Open what is unusual, and say that it was read."""
    page = owner.open(at(demo, batch, "/lezen"))
    seen = [field.get("value") for field in page.all("input[name=seen]")]
    assert owner.post(at(demo, batch, "/lezen"), seen=seen).status_code == 303
    return page


def pay(owner: WebClient, demo: Demo, batch: Batch) -> str:
    """Press Betaal on the page as it is. Returns the payment's state after it."""
    owner.post(at(demo, batch, "/betalen"), shown=demo.view(batch).digest)
    return Batch.get_by_id(batch.id).state


def send(batch: Batch) -> list[tuple[str, int]]:
    """Submit the order. Returns the accounts and amounts in it."""
    submission.submit_order(batch.id)
    return [
        (row.creditor_iban, row.amount_cents)
        for row in OrderLine.select().join(BankOrder).where(BankOrder.batch == batch)
    ]


def test_a_held_line_is_shown_and_read_before_the_others_are_paid(owner: WebClient, site: Site, demo: Demo):
    (batch,) = run(site, demo, Line(), HELD)
    page = owner.open(at(demo, batch))
    assert "1 regel kan niet worden betaald" in page.text
    assert page.says("#niet-betaald b") == "Meijer, Naomi"
    assert "NL53 ABNA 7650 1432 44" in page.says("#niet-betaald li")
    assert "Het rekeningnummer klopt niet." in page.says("#niet-betaald li")
    assert "Wijzig het rekeningnummer in Nmbrs." in page.says("#niet-betaald li")
    assert page.says("#pay-place") == "Bekijk eerst de waarschuwingen"
    assert pay(owner, demo, batch) == "open"
    assert "Meijer, Naomi" in read(owner, demo, batch).text
    assert pay(owner, demo, batch) == "approved"
    assert send(batch) == [(IBANS[0], 261_100)]
    assert "1 regel kan niet worden betaald" in owner.open(at(demo, batch)).text


def test_a_held_line_is_owed(owner: WebClient, site: Site, demo: Demo):
    run(site, demo, Line(), HELD)
    assert sorted(row.owed_cents for row in Due.select()) == [120_000, 261_100]
    (held,) = HeldLine.select()
    due = Due.get_by_id(held.due_id)
    assert (due.name, held.open_cents, held.number) == ("Meijer, Naomi", 120_000, 2)
    assert list(run_dues.due_inconsistencies()) == []
    Due.update(owed_cents=1).where(Due.id == held.due_id).execute()
    assert len(list(run_dues.due_inconsistencies())) == 1


def test_another_held_line_must_be_read_anew(owner: WebClient, site: Site, demo: Demo):
    (batch,) = run(site, demo, Line(), HELD)
    read(owner, demo, batch)
    (second,) = run_again(site, demo, Line(), Line(cents=120_100, name="Meijer, Naomi", iban=WRONG))
    assert Batch.get_by_id(batch.id).state == "replaced"
    assert pay(owner, demo, second) == "open"
    read(owner, demo, second)
    assert pay(owner, demo, second) == "approved"


def test_with_the_right_account_the_line_is_in_a_new_payment(owner: WebClient, site: Site, demo: Demo):
    (batch,) = run(site, demo, Line(), HELD)
    (second,) = run_again(site, demo, Line(), NAOMI)
    assert Batch.get_by_id(batch.id).state == "replaced"
    page = owner.open(at(demo, second))
    assert "kan niet worden betaald" not in page.text
    assert pay(owner, demo, second) == "approved"
    assert send(second) == [(IBANS[0], 261_100), (GOOD, 120_000)]


def test_after_the_others_were_sent_the_line_is_a_supplement(owner: WebClient, site: Site, demo: Demo):
    (batch,) = run(site, demo, Line(), HELD)
    read(owner, demo, batch)
    pay(owner, demo, batch)
    send(batch)
    (second,) = run_again(site, demo, Line(), NAOMI)
    assert [(row.creditor_iban, row.amount_cents) for row in BatchLine.select().where(BatchLine.batch == second)] == [
        (GOOD, 120_000)
    ]
    read(owner, demo, second)
    assert pay(owner, demo, second) == "approved"
    assert send(second) == [(GOOD, 120_000)]
    assert list(run_dues.due_inconsistencies()) == []


def test_an_account_that_became_wrong_after_it_was_paid_owes_nothing(owner: WebClient, site: Site, demo: Demo):
    (batch,) = run(site, demo, Line(), NAOMI)
    pay(owner, demo, batch)
    send(batch)
    change_file(site, Line(), HELD)
    assert deliver(site, demo) == []
    assert HeldLine.get().open_cents == 0
    assert "kan niet worden betaald" not in owner.open(f"/{demo.client.public_id}/overzicht").text
    assert PayrollRun.get().reason == "nothing_more"


def test_a_payment_of_before_never_pays_what_is_held_by_now(owner: WebClient, site: Site, demo: Demo):
    """Approved with the old account, and at the bank when the account became wrong; then the bank did not take it."""
    (batch,) = run(site, demo, Line(), NAOMI)
    Batch.update(state="sending").where(Batch.id == batch.id).execute()
    change_file(site, Line(), HELD)
    deliver(site, demo)
    Batch.update(state="open").where(Batch.id == batch.id).execute()
    assert pay(owner, demo, batch) == "open"
    assert OrderLine.select().count() == 0


def test_a_run_whose_lines_are_all_held_is_told_without_a_payment(owner: WebClient, site: Site, demo: Demo):
    phone = Receiver(site.sandbox)
    owner.post(f"/{demo.client.public_id}/instellingen/meldingen/aan", {"subscription": phone.written})
    assert run(site, demo, HELD) == []
    assert Batch.select().count() == 0
    overview = owner.open(f"/{demo.client.public_id}/overzicht")
    assert "1 regel kan niet worden betaald. Kijk wat er niet klopt." in overview.text
    (link,) = {str(one.get("href")) for one in overview.all("a.task") if "historie" in one.get("href", "")}
    entry = owner.open(link)
    assert "Meijer, Naomi" in entry.says("#niet-betaald")
    assert "Wijzig het rekeningnummer in Nmbrs." in entry.says("#niet-betaald")
    assert [row.runs for row in worklist.worklist_for(demo.user)] == [1]
    for row_id in push_delivery.due_pushes():
        push_delivery.deliver_push(row_id, push_rendering.write, worklist.pending_count)
    (told,) = phone.told()
    assert (told["title"], told["path"]) == ("Regel 1 kan niet worden betaald", link)
    assert [batch.total_cents for batch in run_again(site, demo, NAOMI)] == [120_000]
    assert "kan niet worden betaald" not in owner.open(f"/{demo.client.public_id}/overzicht").text


def test_every_member_gets_one_mail_that_says_which_line_and_what_to_do(site: Site, demo: Demo, sandbox: Sandbox):
    bookkeeper = make_user(name="Boekhouder")
    Membership.create(user=bookkeeper, client=demo.client, role="preparer")
    (batch,) = run(site, demo, Line(), HELD)
    run_again(site, demo, Line(cents=5), HELD)  # other figures, the same held line
    for mail_id in mail.due_mails():
        assert mail.deliver_mail(mail_id, mail_rendering.write)
    inbox = sandbox.control("GET", "inbox")
    told = [one for one in inbox if "kan niet worden betaald" in one["subject"]]
    assert sorted(one["to"] for one in told) == sorted([demo.user.email, bookkeeper.email])
    text = told[0]["text"]
    assert "Regel 2: Het rekeningnummer klopt niet. Wijzig het rekeningnummer in Nmbrs." in " ".join(text.split())
    assert f"/betalingen/{batch.reference}#niet-betaald" in text
    assert not re.search(r"Meijer|NL5|1\.200|€", text)


def test_a_refused_run_is_told_by_mail_and_push(owner: WebClient, site: Site, demo: Demo, sandbox: Sandbox):
    phone = Receiver(sandbox)
    owner.post(f"/{demo.client.public_id}/instellingen/meldingen/aan", {"subscription": phone.written})
    sandbox.run_payroll(sepa=file_of(Line(), Line(amount="1,00")).xml(), webhook="none")
    assert deliver(site, demo) == []
    PayrollRun.update(due_at=utcnow()).execute()
    assert intake.import_run(PayrollRun.get().id) is None  # the same again: no second mail
    for mail_id in mail.due_mails():
        assert mail.deliver_mail(mail_id, mail_rendering.write)
    (told,) = sandbox.control("GET", "inbox")
    text = " ".join(told["text"].split())
    assert "Regel 2: Het betaalbestand bevat een ongeldig bedrag. Er is niets betaald." in text
    assert "Draai de run opnieuw in Nmbrs" in text
    for row_id in push_delivery.due_pushes():
        push_delivery.deliver_push(row_id, push_rendering.write, worklist.pending_count)
    (pushed,) = phone.told()
    assert pushed["title"] == "Run niet klaargezet: fout in regel 2"
    assert pushed["path"] in text
    assert "Draai de run opnieuw in Nmbrs" in owner.open(pushed["path"]).text


def test_a_preparer_without_sight_of_wages_sees_no_held_line(site: Site, demo: Demo):
    preparer = make_user(name="Boekhouder")
    Membership.create(user=preparer, client=demo.client, role="preparer")
    Client.update(hide_lines_from_preparers=True).where(Client.id == demo.client.id).execute()
    (batch,) = run(site, demo, Line(), HELD, Line(cents=0, name="Nul, Nico", iban=IBANS[2]))
    who = site.person(preparer)
    for path in (at(demo, batch), at(demo, batch, "/lezen"), f"/{demo.client.public_id}/apps/nmbrs/historie/1"):
        page = who.open(path)
        assert not re.search(r"Meijer|Nul, Nico|NL53|1\.200,00", page.text), path


def test_lines_of_zero_are_left_out_and_told(owner: WebClient, site: Site, demo: Demo):
    (batch,) = run(site, demo, Line(), Line(cents=0, name="Nul, Nico", iban=IBANS[2]))
    page = owner.open(at(demo, batch))
    assert "1 regel van € 0,00 is weggelaten" in page.text
    assert "Nul, Nico: niets te betalen." in page.text
    assert pay(owner, demo, batch) == "approved"
    assert send(batch) == [(IBANS[0], 261_100)]


def test_a_run_of_zeros_is_empty(owner: WebClient, site: Site, demo: Demo):
    assert run(site, demo, Line(cents=0)) == []
    assert PayrollRun.get().state == "empty"


def test_cautions_of_the_file_are_shown(owner: WebClient, site: Site, demo: Demo):
    (batch,) = run(site, demo, Line(end_to_end_id="A"), Line(cents=5, end_to_end_id="A", iban=IBANS[1]))
    text = owner.open(at(demo, batch)).text
    assert "Een kenmerk staat dubbel in het betaalbestand" in text
    assert "Het gaat om regel 1 en 2." in text


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (Line(iban=None), "Het rekeningnummer (IBAN) ontbreekt."),
        (Line(iban="AE070331234567890123456"), "De rekening valt buiten SEPA."),
        (Line(currency="USD"), "Het bedrag is niet in euro’s."),
        (Line(currency=""), "Het bedrag is niet in euro’s."),
        (Line(name=" "), "De naam ontbreekt."),
        (Line(name="محمد علي"), "De naam bevat alleen tekens die de bank niet accepteert."),
        (Line(cents=-100), "Dit bedrag kan niet worden overgemaakt."),
        (Line(cents=100_000_000_000), "Het bedrag is hoger dan de limiet per overboeking."),
    ],
)
def test_each_reason_is_told_and_the_others_are_paid(
    owner: WebClient, site: Site, demo: Demo, line: Line, why: str
):
    (batch,) = run(site, demo, line, NAOMI)
    assert why in owner.open(at(demo, batch)).says("#niet-betaald li")
    assert [why in row for row in unpaid_rows(owner, demo)] == [True]
    read(owner, demo, batch)
    assert pay(owner, demo, batch) == "approved"
    assert send(batch) == [(GOOD, 120_000)]
    assert list(run_dues.due_inconsistencies()) == []


def test_an_amount_with_a_part_of_a_cent_is_held(owner: WebClient, site: Site, demo: Demo):
    lines = (Line(amount="1.005"), NAOMI)
    site.sandbox.run_payroll(sepa=File((Part(lines, total=""),), total="1201.005").xml(), webhook="none")
    (batch,) = deliver(site, demo)
    assert "Dit bedrag kan niet worden overgemaakt." in owner.open(at(demo, batch)).says("#niet-betaald li")
    assert len(unpaid_rows(owner, demo)) == 1


def test_an_amount_in_another_currency_leaves_the_page_once_it_is_right(owner: WebClient, site: Site, demo: Demo):
    run(site, demo, Line(currency="USD", cents=250_050), NAOMI)
    (row,) = unpaid_rows(owner, demo)
    assert "USD 2.500,50" in row and "Betaal deze regel zelf bij je bank of wijzig de gegevens in Nmbrs." in row
    run_again(site, demo, Line(cents=230_000), NAOMI)
    assert unpaid_rows(owner, demo) == []


def unpaid_rows(owner: WebClient, demo: Demo) -> list[str]:
    """Return the rows of *Niet betaald*."""
    page = owner.open(f"/{demo.client.public_id}/betalingen/niet-betaald")
    return [" ".join(row.text_content().split()) for row in page.all("li.line")]


def test_people_without_a_name_are_told_apart_by_their_accounts(site: Site, demo: Demo):
    run(site, demo, Line(name=" ", iban=IBANS[0]), Line(name=" ", iban=IBANS[1]))
    assert Due.select().count() == 2
    (batch,) = run_again(site, demo, Line(name="Een", iban=IBANS[0]), Line(name="Twee", iban=IBANS[1]))
    assert (batch.line_count, Due.select().where(Due.owed_cents > 0).count()) == (2, 2)
