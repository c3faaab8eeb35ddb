"""*Fout in de salarisrun* holds the whole payment until somebody answers, or goes on knowingly."""

from collections.abc import Iterator
from functools import partial

import pytest
from peewee import DatabaseError

from domain.accounts import push_subscriptions
from domain.common.errors import DoubtStands, InsufficientRole, WordsRefused
from domain.operations import integrity
from domain.orders import obstacles, submission
from domain.payments import amendments, doubt_answers, line_doubts
from domain.payments.putting_away import PutAway, put_away
from domain.payments.queries import get_batch
from domain.payments.release import release
from models import (
    Approval,
    AuditEvent,
    Batch,
    BatchLine,
    Client,
    LineDoubt,
    Membership,
    OutgoingMail,
    PushNotification,
    Release,
    transaction,
)
from models.doubts import ASKED
from tests.support.books import require_right_books
from tests.support.factories import PSU, Demo, make_device, make_user
from tests.support.intake import lines, work
from tests.support.large_batches import many
from tests.support.push import Receiver
from tests.support.sandbox import Sandbox
from tests.support.web_client import Site, WebClient
from tests.web.test_approval import delegated
from tests.web.test_payment_page import at, line_ids
from tests.web.test_reopening import LISANNE, NAOMI, WOUTER, decided, reopened, run, run_again, sent
from tests.web.test_team import joined

__all__ = ["delegated", "run"]
WORDS = "Zit hier de bonus van maart in?"


@pytest.fixture(autouse=True)
def right_books(demo: Demo, request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    require_right_books(request)


@pytest.fixture
def bookkeeper(demo: Demo) -> Membership:
    return Membership.create(user=make_user(name="Anna Prins"), client=demo.client, role="preparer")


def doubted(demo: Demo, batch: Batch, who: Membership | None = None, number: int = 0) -> int:
    line = line_ids(demo, batch)[number]
    doubt_answers.ask_doubt(who or demo.membership, batch.reference, line, WORDS)
    return line


def asked_by_mail() -> list[OutgoingMail]:
    return list(OutgoingMail.select().where(OutgoingMail.kind == "doubt_asked").order_by(OutgoingMail.id))


def approve(demo: Demo, batch: Batch) -> Release:
    made = release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    assert isinstance(made, Release)
    return made


def test_a_question_is_asked_on_its_page_and_holds_the_payment(
    owner: WebClient, demo: Demo, bookkeeper: Membership
):
    batch = demo.batch()
    line = line_ids(demo, batch)[0]
    address = at(demo, batch, f"/regels/{line}/fout")
    assert owner.post(address, words=" ").status_code == 422
    assert owner.post(address, words=WORDS).status_code == 303
    page = owner.open(at(demo, batch))
    assert page.says("#pay-place a") == "Wacht op antwoord"
    assert WORDS in page.says("#vragen") and "Klopt zo" in page.says("#vragen")
    with pytest.raises(DoubtStands):
        approve(demo, batch)
    shown = demo.view(batch).digest
    owner.post(at(demo, batch, "/betalen"), shown=shown)
    assert Release.select().count() == 0
    mail = OutgoingMail.get(OutgoingMail.kind == "doubt_asked")
    assert mail.user_id == bookkeeper.user_id
    assert WORDS not in "".join(str(event.details) for event in AuditEvent.select()), "the log has no words"


def test_the_page_says_who_is_asked_and_who_must_answer(
    site: Site, owner: WebClient, demo: Demo, bookkeeper: Membership
):
    batch = demo.batch()
    line = line_ids(demo, batch)[0]
    assert "Anna Prins krijgt een mail" in owner.open(at(demo, batch, f"/regels/{line}/fout")).text
    doubted(demo, batch)
    page = owner.open(at(demo, batch))
    assert f"{demo.user.name} vroeg op" in page.says("#vragen")
    assert "De betaling wacht op antwoord van Anna Prins." in page.says("#vragen")
    hers = site.person(bookkeeper.user).open(at(demo, batch))
    assert "De betaling wacht op jouw antwoord." in hers.says("#vragen")
    assert hers.says("#pay-place a") == "Beantwoord eerst de vraag"
    assert "Klopt zo" in hers.says("#vragen") and "Toch betalen" not in hers.says("#vragen")


def test_who_prepares_alone_asks_the_owner_and_an_owner_alone_nobody(demo: Demo, bookkeeper: Membership):
    batch = demo.batch()
    doubted(demo, batch, bookkeeper)
    assert [mail.user_id for mail in asked_by_mail()] == [demo.user.id]
    bookkeeper.delete_instance()
    doubted(demo, batch, number=1)
    assert len(asked_by_mail()) == 1
    assert doubt_answers.answerers(doubt_answers.members_to_ask(demo.client), demo.user) == []


def test_who_sees_no_lines_is_not_asked(site: Site, demo: Demo, bookkeeper: Membership):
    Client.update(hide_lines_from_preparers=True).where(Client.id == demo.client.id).execute()
    demo.client = Client.get_by_id(demo.client.id)
    demo.membership = Membership.get_by_id(demo.membership.id)
    batch = demo.batch()
    doubted(demo, batch)
    assert asked_by_mail() == []
    page = site.person(bookkeeper.user).open(at(demo, batch))
    assert WORDS not in page.text and page.all("#vragen") == []


def test_a_question_is_told_on_a_phone(demo: Demo, bookkeeper: Membership, sandbox: Sandbox):
    phone = Receiver(sandbox)
    push_subscriptions.subscribe(bookkeeper.user, make_device(bookkeeper.user), phone.written)
    batch = demo.batch()
    line = doubted(demo, batch)
    doubt_answers.answer_doubt(demo.membership, batch.reference, line, "rerun", "")
    assert [row.event for row in PushNotification.select().order_by(PushNotification.id)][-1] == "doubt_asked"


def test_a_question_is_asked_once(owner: WebClient, demo: Demo, bookkeeper: Membership):
    batch = demo.batch()
    line = doubted(demo, batch)
    doubted(demo, batch)
    assert (LineDoubt.select().count(), len(asked_by_mail())) == (1, 1)
    with pytest.raises(DoubtStands):
        doubt_answers.ask_doubt(bookkeeper, batch.reference, line, "Nog een vraag")
    assert owner.get(at(demo, batch, f"/regels/{line}/fout")).location.endswith("#vragen")


def test_that_the_run_is_run_again_is_said_once(owner: WebClient, demo: Demo, bookkeeper: Membership):
    batch = demo.batch()
    line = doubted(demo, batch)
    for _once in range(2):
        doubt_answers.answer_doubt(bookkeeper, batch.reference, line, "rerun", "Morgen")
    told = OutgoingMail.select().where(OutgoingMail.kind == "doubt_answered")
    assert (LineDoubt.select().count(), told.count()) == (2, 1)
    page = owner.open(at(demo, batch))
    assert page.says("#pay-place a") == "Wacht op de nieuwe salarisrun"
    assert "Anna Prins draait de run opnieuw in Nmbrs. “Morgen”" in page.says("#vragen")
    assert "Ik draai de run opnieuw" not in page.says("#vragen")


def test_the_line_and_the_lists_say_that_there_is_a_question(owner: WebClient, demo: Demo):
    batch = demo.batch()
    doubted(demo, batch)
    assert "Vraag over de salarisrun" in owner.open(at(demo, batch)).says(".line.off .say")
    assert owner.open(at(demo, batch)).all(".line .why") == []
    for path in ("betalingen", "overzicht"):
        page = owner.open(f"/{demo.client.public_id}/{path}").text
        assert "Vraag over de salarisrun" in page and "Goedkeuring vereist" not in page


def test_alles_goedkeuren_says_that_a_question_stands(owner: WebClient, demo: Demo):
    batch = demo.batch()
    doubted(demo, batch)
    assert owner.open(at(demo, batch)).one("#alles").get("hidden") is not None
    owner.post(at(demo, batch, f"/regels/{line_ids(demo, batch)[1]}?verdict=refuse"))
    assert "1 weggelaten regel" in owner.open(at(demo, batch)).says("#alles")
    owner.post(at(demo, batch, "/alles"))
    page = owner.open(at(demo, batch))
    assert "1 regel is teruggezet. Er is nog een vraag over 1 regel." in page.text
    assert line_doubts.stands(batch.id)


def test_the_page_that_waits_for_an_answer_sees_it_come(owner: WebClient, demo: Demo, bookkeeper: Membership):
    batch = demo.batch()
    line = doubted(demo, batch)
    seen = owner.open(at(demo, batch)).value("#payment", "hx-get")
    assert owner.get(seen, htmx=True).status_code == 204
    doubt_answers.answer_doubt(bookkeeper, batch.reference, line, "rerun", "")
    assert owner.get(seen, htmx=True).status_code == 200


def test_no_pin_is_asked_while_a_question_stands(owner: WebClient, delegated: Demo):
    batch = delegated.batch()
    doubted(delegated, batch)
    address = at(delegated, batch, f"/pincode?shown={delegated.view(batch).digest}")
    answer = owner.get(address)
    assert (answer.status_code, answer.location) == (303, at(delegated, batch))
    assert "Er is nog een vraag over een regel" in owner.open(answer.location).text


def test_klopt_zo_puts_the_line_back_and_is_part_of_what_is_approved(
    owner: WebClient, demo: Demo, bookkeeper: Membership
):
    batch = demo.batch()
    before = demo.view(batch).digest
    line = doubted(demo, batch)
    doubt_answers.answer_doubt(bookkeeper, batch.reference, line, "right", "Ja, afgesproken")
    view = demo.view(batch)
    assert (view.lines[0].state, view.is_doubted, view.digest != before) == ("open", False, True)
    assert OutgoingMail.get(OutgoingMail.kind == "doubt_answered").user_id == demo.user.id
    made = approve(demo, batch)
    assert made.digest == view.digest
    submission.submit_order(batch.id)
    assert Batch.get_by_id(batch.id).state == "at_bank"


def test_who_runs_the_run_again_keeps_the_payment_waiting(demo: Demo, bookkeeper: Membership):
    batch = demo.batch()
    line = doubted(demo, batch)
    doubt_answers.answer_doubt(bookkeeper, batch.reference, line, "rerun", "")
    with pytest.raises(DoubtStands):
        approve(demo, batch)


def test_who_may_pay_goes_on_without_the_line(owner: WebClient, demo: Demo, bookkeeper: Membership):
    batch = demo.batch()
    line = doubted(demo, batch)
    with pytest.raises(InsufficientRole):
        doubt_answers.go_on(bookkeeper, batch.reference, line)
    assert owner.post(at(demo, batch, f"/regels/{line}/toch")).status_code == 303
    assert approve(demo, batch).line_count == 2
    assert demo.view(batch).lines[0].verdict == "later"


def test_only_who_asked_or_may_pay_takes_the_question_back(demo: Demo, bookkeeper: Membership):
    batch = demo.batch()
    line = doubted(demo, batch)
    for change in (amendments.include_line, partial(amendments.exclude_line, verdict="never")):
        with pytest.raises(DoubtStands):
            change(demo.client, bookkeeper.user, batch.reference, line)
    assert amendments.include_all_lines(demo.client, bookkeeper.user, batch.reference) == 0
    assert line_doubts.stands(batch.id)
    amendments.include_line(demo.client, demo.user, batch.reference, line)
    assert approve(demo, batch).line_count == 3


def test_a_payment_of_which_all_lines_are_left_out_is_not_ended_while_a_question_stands(demo: Demo):
    batch = demo.batch()
    for line in line_ids(demo, batch)[1:]:
        amendments.exclude_line(demo.client, demo.user, batch.reference, line)
    doubted(demo, batch)
    with pytest.raises(DoubtStands):
        amendments.discard(demo.client, demo.user, batch.reference)


def test_a_payment_is_not_put_away_while_a_question_stands(demo: Demo):
    batch = demo.batch()
    line = doubted(demo, batch)
    with pytest.raises(DoubtStands):
        put_away(demo.client, demo.user, batch.reference, PutAway.DOUBLE)
    amendments.include_line(demo.client, demo.user, batch.reference, line)
    put_away(demo.client, demo.user, batch.reference, PutAway.DOUBLE)


def test_a_question_opens_what_was_approved(demo: Demo):
    batch = demo.batch()
    approve(demo, batch)
    doubted(demo, batch)
    assert Batch.get_by_id(batch.id).state == "open"
    assert Release.select().where(Release.voided_at.is_null()).count() == 0


@pytest.mark.planted
def test_the_order_is_refused_while_a_question_stands(demo: Demo):
    batch = demo.batch()
    made = approve(demo, batch)
    with transaction(demo.client.id):
        LineDoubt.create(batch=batch.id, line=line_ids(demo, batch)[0], step=ASKED, words="x", user=demo.user)
    assert obstacles.obstacle(get_batch(demo.client, batch.reference), made) == "doubted"
    submission.submit_order(batch.id)
    assert (Batch.get_by_id(batch.id).state, Batch.get_by_id(batch.id).state_reason) == ("open", "doubted")
    assert [fault for fault in integrity.find_inconsistencies() if "doubt" in fault] != []


def test_the_second_approver_cannot_approve_while_a_question_stands(demo: Demo):
    second = joined(demo, "Naomi Meijer", "approver")
    Client.update(dual_approval_from_cents=0).where(Client.id == demo.client.id).execute()
    batch = demo.batch()
    first = release(demo.membership, batch.reference, demo.view(batch).digest, "session", PSU)
    doubted(demo, batch, Membership.get(user=second))
    assert Approval.get_by_id(first.id).voided_at is not None
    with pytest.raises(DoubtStands):
        approve(demo, batch)


@pytest.mark.planted
def test_books_find_that_a_payment_went_on_although_a_question_stood(demo: Demo):
    batch = demo.batch()
    line = doubted(demo, batch)
    doubt_answers.go_on(demo.membership, batch.reference, line)
    approve(demo, batch)
    assert list(integrity.find_inconsistencies()) == []
    Release.update(released_at=LineDoubt.get(LineDoubt.step == ASKED).taken_at).execute()
    assert [one for one in integrity.find_inconsistencies() if "it was approved although a doubt stood" in one]


@pytest.mark.parametrize("words", ["x" * 201, "a\u202eb", ""])
def test_words_are_few_and_seen(demo: Demo, words: str):
    batch = demo.batch()
    with pytest.raises(WordsRefused):
        doubt_answers.ask_doubt(demo.membership, batch.reference, line_ids(demo, batch)[0], words)
    assert LineDoubt.select().count() == 0


@pytest.mark.parametrize("change", [{"words": "other"}, {"step": "right"}])
@pytest.mark.planted
def test_a_step_is_never_changed(demo: Demo, change: dict):
    doubted(demo, demo.batch())
    with pytest.raises(DatabaseError):
        LineDoubt.update(**change).execute()


def test_a_line_that_the_new_run_changes_says_what_it_was(
    owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict
):
    (batch,) = work(demo)
    doubted(demo, batch)
    (new,) = run_again(demo, sandbox, run, e1={"cents": 330_000})
    assert not demo.view(new).is_doubted
    text = owner.open(at(demo, new)).text.replace("\xa0", " ")
    assert "Hier was een vraag over: was € 3.448,08, nu € 3.300,00" in text


def test_a_line_that_the_new_run_leaves_as_it_was_is_asked_about_again(
    owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict
):
    (batch,) = work(demo)
    doubted(demo, batch)
    (new,) = run_again(demo, sandbox, run, e2={"cents": 200_000})
    assert [one.words for one in demo.view(new).doubts] == [WORDS]
    assert (WOUTER, 344_808, "excluded") in lines(new) and (NAOMI, 200_000, "open") in lines(new)
    assert BatchLine.select().where(BatchLine.batch == new.id, BatchLine.creditor_iban == LISANNE).count() == 1


def test_what_was_answered_at_a_later_payment_is_not_asked_again(
    owner: WebClient, demo: Demo, bookkeeper: Membership, sandbox: Sandbox, run: dict
):
    (batch,) = work(demo)
    doubted(demo, batch)
    (second,) = run_again(demo, sandbox, run, e2={"cents": 200_000})
    assert [mail.user_id for mail in asked_by_mail()] == [bookkeeper.user_id] * 2, "asked again"
    assert "Het bedrag is niet gewijzigd" in owner.open(at(demo, second)).text
    (asked,) = demo.view(second).doubts
    doubt_answers.answer_doubt(demo.membership, second.reference, asked.line, "right", "")
    (third,) = run_again(demo, sandbox, run, e2={"cents": 210_000})
    assert not demo.view(third).is_doubted
    assert "Hier was een vraag over" not in owner.open(at(demo, third)).text


def test_a_payment_that_is_set_up_anew_without_a_new_run_keeps_the_question(
    owner: WebClient, demo: Demo, sandbox: Sandbox, run: dict
):
    (first,) = work(demo)
    sent(owner, demo, first)
    (second,) = run_again(demo, sandbox, run, e1={"cents": 350_000})
    doubted(demo, second)
    decided(demo, first, "weiger")
    new = reopened(owner, demo, first)
    assert [one.words for one in demo.view(new).doubts] == [WORDS]
    with pytest.raises(DoubtStands):
        approve(demo, new)


def test_a_question_leads_to_the_page_of_its_line(owner: WebClient, demo: Demo):
    """Where the line stands with the person's other line, not where the file has it."""
    first, *rest = many(220)
    batch = demo.batch([first, *rest, (first[0], "NL57ABNA7134384551", 5000)])
    other = BatchLine.get(BatchLine.batch == batch.id, BatchLine.position == 221)
    doubt_answers.ask_doubt(demo.membership, batch.reference, other.id, WORDS)
    link = owner.open(at(demo, batch, "?blad=2")).one("#vragen .note a").get("href") or ""
    assert link.endswith(f"blad=1#regel-{other.id}")
    assert owner.open(link.split("#")[0]).one(f"#regel-{other.id}") is not None
