"""Accounts, their sessions and their secrets: what is kept, what is refused, and what the ledger says of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import inspect, select, text
from sqlalchemy.orm import Session

from mes import accounts, passwords, people, sessions
from mes.commands_ledger import verify_engine
from mes.commands_users import user
from mes.db.session import reading, writing
from mes.db.tables import Account, Ledger, WebSession
from mes.keys import digest
from tests.server.bench import Floor
from tests.server.small_plan import small_plan

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
SECRET = "trois sondes rouges"
HASHED = passwords.hashed(SECRET)


@pytest.fixture
def floor(database_url: str) -> Iterator[Floor]:
    """A floor on each database."""
    made = Floor(database_url, small_plan())
    yield made
    made.close()


def added(session: Session, login: str, *roles: str) -> str:
    """An account that is ready for use; returns the pseudonym."""
    answer = accounts.add(session, login.title(), login, roles, HASHED, must_change=False, now=NOW)
    assert answer.done, answer.reason
    return str(answer.args["person"])


def digest_of(key: str | None) -> str:
    """What the database knows of a session's key."""
    assert key is not None
    return digest(key)


def kinds(session: Session) -> list[str]:
    """What the office has done, in order."""
    return list(session.scalars(select(Ledger.kind).where(Ledger.source == "office").order_by(Ledger.n)))


def test_an_account_leaves_rows_by_pseudonym_and_no_secret_nor_name_in_the_ledger(floor: Floor, tmp_path: Path) -> None:
    with writing(floor.engine) as session:
        person = added(session, "maelle", "quality", "supervisor")
        accounts.change_pin(session, person, passwords.hashed("2580"), now=NOW)
        accounts.change_roles(session, person, ("quality",), now=NOW)
    with reading(floor.engine) as session:
        rows = [r for r in session.scalars(select(Ledger)) if person in r.body]
        assert [r.kind for r in rows] == ["PersonAdded", "AccountAdded", "PinChanged", "RolesChanged"]
        said = "".join(r.body + r.args for r in rows)
        assert "maelle" not in said.casefold()
        assert "argon2" not in said
        assert SECRET not in session.get_one(Account, person).password
    assert verify_engine(floor.engine, tmp_path)[1] == []


@pytest.mark.parametrize(
    ("name", "login", "roles", "reason"),
    [
        ("", "x", ("admin",), "name_form"),
        ("a\nb", "x", ("admin",), "name_form"),
        ("A" * 121, "x", ("admin",), "name_form"),
        ("A", "../etc", ("admin",), "login_form"),
        ("A", "", ("admin",), "login_form"),
        ("A", "a" * 65, ("admin",), "login_form"),
        ("A", "x", (), "no_role"),
        ("A", "x", ("root",), "no_role"),
        ("A", "x", ("admin", "root"), "no_role"),
        ("A", " LEA ", ("admin",), "login_taken"),
    ],
)
def test_what_is_wrong_with_a_new_account_is_said_and_nothing_is_kept(
    floor: Floor, name: str, login: str, roles: tuple[str, ...], reason: str
) -> None:
    with writing(floor.engine) as session:
        added(session, "lea", "planner")
        before = kinds(session)
        assert accounts.add(session, name, login, roles, HASHED, now=NOW).reason == reason
        assert kinds(session) == before
        assert len(accounts.listed(session)) == 1


def test_the_set_up_code_makes_one_administrator_and_then_nothing_more(floor: Floor) -> None:
    with writing(floor.engine) as session:
        old, code = accounts.new_setup_code(session), accounts.new_setup_code(session)
        assert old is not None
        assert code is not None
        assert old != code
        for wrong in (old, "", "XXXX-XXXX-XXXX-XXXX"):
            answer = accounts.set_up(session, wrong, "Eve", "eve", HASHED, language="fr", now=NOW)
            assert answer.reason == "setup_code_wrong"
        assert accounts.set_up(session, f" {code.lower()} ", "Anne", "anne", HASHED, language="fr", now=NOW).done
        again = accounts.set_up(session, code, "Eve", "eve", HASHED, language="fr", now=NOW)
        assert again.reason == "setup_code_wrong"
        assert accounts.new_setup_code(session) is None
        assert [a.login for a in accounts.listed(session)] == ["anne"]
        assert kinds(session)[-1] == "SetUpDone"


def test_an_administrator_from_the_console_closes_the_set_up_too(floor: Floor) -> None:
    with writing(floor.engine) as session:
        code = accounts.new_setup_code(session)
        assert code
        added(session, "sam", "operator")
        assert not accounts.is_set_up(session)
        added(session, "anne", "admin")
        assert accounts.set_up(session, code, "Eve", "eve", HASHED, language="fr", now=NOW).reason == "setup_code_wrong"


def test_the_last_administrator_can_neither_be_shut_out_nor_lose_the_role(floor: Floor) -> None:
    with writing(floor.engine) as session:
        anne = added(session, "anne", "admin")
        assert accounts.disable(session, anne, now=NOW).reason == "last_admin"
        assert accounts.change_roles(session, anne, ("quality",), now=NOW).reason == "last_admin"
        paul = added(session, "paul", "admin")
        assert accounts.disable(session, anne, now=NOW).done
        assert accounts.disable(session, paul, now=NOW).reason == "last_admin"


@pytest.mark.parametrize("verb", ["disable", "reset", "change_password"])
def test_a_session_ends_at_once_when_the_account_is_shut_or_its_password_changes(floor: Floor, verb: str) -> None:
    with writing(floor.engine) as session:
        added(session, "anne", "admin")
        person = added(session, "lea", "planner")
        keys = [sessions.begin(session, person, HASHED, now=NOW) for _ in range(2)]
        mine = [digest_of(key) for key in keys]
        assert sessions.alive(session, mine, now=NOW) == set(mine)
        match verb:
            case "disable":
                accounts.disable(session, person, now=NOW)
            case "reset":
                accounts.reset(session, person, passwords.hashed("un autre mot"), now=NOW)
            case _:
                accounts.change_password(session, person, HASHED, passwords.hashed("un autre mot"), now=NOW)
        assert sessions.alive(session, mine, now=NOW) == set()
        assert [sessions.look(session, d, now=NOW) for d in mine] == [None, None]
        assert sessions.begin(session, person, HASHED, now=NOW) is None  # what was typed before the change


def test_a_session_ends_without_a_page_for_half_an_hour_and_after_twelve_hours_in_any_case(floor: Floor) -> None:
    with writing(floor.engine) as session:
        person = added(session, "lea", "planner")
        mine = digest_of(sessions.begin(session, person, HASHED, now=NOW))
        assert sessions.look(session, mine, now=NOW + timedelta(minutes=29)) is not None
        assert sessions.look(session, mine, now=NOW + timedelta(minutes=30)) is None
        at = NOW
        while at < NOW + timedelta(hours=12):
            who = sessions.look(session, mine, now=at)
            assert who is not None
            assert who.stale == (at > NOW)
            sessions.touch(session, mine, now=at)
            at += timedelta(minutes=20)
        assert sessions.look(session, mine, now=NOW + timedelta(hours=12)) is None


def test_the_database_holds_no_key_of_a_session(floor: Floor) -> None:
    with writing(floor.engine) as session:
        person = added(session, "lea", "planner")
        key = sessions.begin(session, person, HASHED, now=NOW)
        (row,) = session.scalars(select(WebSession))
        assert key
        assert key not in str({c.key: getattr(row, c.key) for c in inspect(WebSession).columns})


def test_a_new_sign_in_takes_the_place_of_the_session_of_that_browser(floor: Floor) -> None:
    with writing(floor.engine) as session:
        person = added(session, "lea", "planner")
        first = digest_of(sessions.begin(session, person, HASHED, now=NOW))
        second = digest_of(sessions.begin(session, person, HASHED, now=NOW, instead_of=first))
        assert sessions.alive(session, [first, second], now=NOW) == {second}


def test_the_pin_is_of_supervisors_with_an_open_account_only(floor: Floor) -> None:
    pin = passwords.hashed("2580")
    with writing(floor.engine) as session:
        added(session, "anne", "admin")
        person = added(session, "lea", "supervisor")
        assert accounts.pin_of(session, person) is None
        accounts.change_pin(session, person, pin, now=NOW)
        assert accounts.pin_of(session, person) == pin
        accounts.change_roles(session, person, ("planner",), now=NOW)
        assert accounts.pin_of(session, person) is None
        accounts.change_roles(session, person, ("supervisor",), now=NOW)
        accounts.disable(session, person, now=NOW)
        assert accounts.pin_of(session, person) is None


def test_an_erased_person_leaves_no_account_behind(floor: Floor, tmp_path: Path) -> None:
    with writing(floor.engine) as session:
        added(session, "anne", "admin")
        person = added(session, "lea", "planner")
        key = digest_of(sessions.begin(session, person, HASHED, now=NOW))
        assert people.erase(session, person, now=NOW).done
        assert accounts.find(session, "lea") is None
        assert sessions.look(session, key, now=NOW) is None
        for table in ("person", "account", "account_role", "web_session"):
            column = "id" if table == "person" else "person"
            assert (
                session.execute(text(f"SELECT count(*) FROM {table} WHERE {column} = :p"), {"p": person}).scalar() == 0
            )
    assert verify_engine(floor.engine, tmp_path)[1] == []


# --- passwords --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("password", "login", "reason"),
    [
        ("court", "lea", "password_short"),
        ("x" * 129, "lea", "password_long"),
        ("aaaaaaaaaaaa", "lea", "password_easy"),
        ("abababababab", "lea", "password_easy"),
        ("je suis LEA !", "lea", "password_easy"),
        (SECRET, "lea", None),
    ],
)
def test_a_password_that_is_too_easy_is_named_so(password: str, login: str, reason: str | None) -> None:
    assert passwords.weakness(password, login) == reason


def test_the_same_letters_are_the_same_password_however_a_keyboard_spells_them() -> None:
    kept = passwords.hashed("caf\u00e9 cr\u00e8me noir")
    assert passwords.matches(kept, "cafe\u0301 cre\u0300me noir")
    assert not passwords.matches(kept, "cafe creme noir")


def test_a_lone_surrogate_and_a_book_are_wrong_passwords_and_no_error() -> None:
    for typed in ("\ud800", "x" * 100_000, "\0"):
        assert not passwords.matches(HASHED, typed)


def test_a_flood_of_sign_ins_is_sent_away_and_not_queued_for_ever() -> None:
    said: list[str] = []

    def one() -> None:
        try:
            said.append(str(passwords.matches(HASHED, SECRET)))
        except passwords.TooMany:
            said.append("too many")

    threads = [threading.Thread(target=one) for _ in range(60)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert len(said) == 60
    assert set(said) <= {"True", "too many"}
    assert said.count("True") >= passwords.AT_ONCE + passwords.WAITING
    assert passwords.matches(HASHED, SECRET)  # and the door is free again


@pytest.mark.parametrize(
    ("pin", "good"),
    [
        ("2580", True),
        ("12345678", True),
        ("123", False),
        ("123456789", False),
        ("1111", False),
        ("12a4", False),
        ("١٢٣٤", False),
    ],
)
def test_a_pin_is_four_to_eight_digits_that_are_not_all_the_same(pin: str, good: bool) -> None:
    assert passwords.is_pin(pin) == good


# --- at the command line ----------------------------------------------------------------------------------------------


class Console:
    """`mes user …` on a database."""

    def __init__(self, path: Path) -> None:
        self.url = f"sqlite:///{path / 'atelier.db'}"

    def run(self, *args: str, typed: str = "") -> Result:
        return CliRunner().invoke(user, [*args, "--database", self.url], input=typed, env={"MES_LANG": "en"})


def test_an_account_is_added_with_a_password_that_is_shown_once_and_must_be_changed(tmp_path: Path) -> None:
    console = Console(tmp_path)
    added = console.run("add", "Anne Le Bras", "--login", "Anne", "--role", "admin", "--role", "quality", "--json")
    assert added.exit_code == 0, added.output
    said = json.loads(added.stdout)
    assert said["login"] == "anne"
    (row,) = json.loads(console.run("list", "--json").stdout)
    assert (row["login"], row["roles"], row["active"], row["must_change"]) == ("anne", ["quality", "admin"], True, True)
    assert said["password"] not in console.run("list").output
    again = console.run("add", "Anne", "--login", "anne", "--role", "admin")
    assert again.exit_code != 0
    assert "anne" in again.output


def test_the_console_asks_for_a_password_and_refuses_one_that_is_too_easy(tmp_path: Path) -> None:
    console = Console(tmp_path)
    easy = console.run("add", "Anne", "--login", "anne", "--role", "admin", "--prompt", typed="court\ncourt\n")
    assert easy.exit_code == 1
    good = console.run("add", "Anne", "--login", "anne", "--role", "admin", "--prompt", typed=f"{SECRET}\n{SECRET}\n")
    assert good.exit_code == 0
    assert SECRET not in good.output


def test_the_console_shuts_opens_and_resets_an_account(tmp_path: Path) -> None:
    console = Console(tmp_path)
    for login, role in (("anne", "admin"), ("lea", "planner")):
        assert console.run("add", login, "--login", login, "--role", role).exit_code == 0
    assert console.run("disable", "lea").exit_code == 0
    assert "(disabled)" in console.run("list").output
    assert console.run("enable", "lea").exit_code == 0
    assert console.run("roles", "lea", "--role", "operator").exit_code == 0
    assert console.run("reset", "lea").exit_code == 0
    assert "operator" in console.run("list").output
    for args in (("disable", "nobody"), ("disable", "anne"), ("roles", "anne", "--role", "quality")):
        refused = console.run(*args)
        assert refused.exit_code == 1
        assert "Traceback" not in refused.output
