"""Tokens, staff, sessions and the trail, on both databases."""

import pytest

from consent_ledger.access.organisations import close_account, list_accounts, open_account, operator_of
from consent_ledger.access.sessions import Lifetimes, find_session, sign_in, sign_out
from consent_ledger.access.staff import add_staff, disable_staff, list_staff
from consent_ledger.access.submission import Issuers
from consent_ledger.access.tokens import Callers, create_token, hash_token, list_tokens, revoke_token
from consent_ledger.errors import ConflictError, UnauthenticatedError
from consent_ledger.signing.instants import SECOND
from consent_ledger.store.engine import open_store
from consent_ledger.store.request_log import Asked, delete_oldest, insert_requests, read_requests
from tests.stores import new_store
from tests.world import DAY, World, party_of

PASSWORD = "correct horse battery"
LIVES = Lifetimes(DAY, 1800 * SECOND)


def test_who_may_use_the_service_is_kept(store_url: str) -> None:
    with new_store(store_url) as store:
        world = World(store)
        world.people("ada")
        studio, operator = party_of("studio"), operator_of(store)
        opened = open_account(store, studio, "Studio", world.now)
        assert open_account(store, studio, "Other", world.wait()) == opened
        made = [create_token(store, studio, ["admin", "audit:read"], world.now) for _ in range(3)]
        found = Callers(store, operator, world.clock).find([hash_token(m.text.encode()) for m in made] + [bytes(32)])
        assert [c.token for c in found[:3] if not isinstance(c, Exception)] == [m.record.id for m in made]
        assert isinstance(found[3], UnauthenticatedError)
        assert list_tokens(store, studio, "", 10) == sorted((m.record for m in made), key=lambda r: r.id)
        assert Issuers(store, operator).look_up([operator, studio, party_of("ada"), party_of("eve"), "x"]) == [
            True, True, False, False, False,
        ]  # fmt: skip
        close_account(store, studio, world.now)
        assert [o.closed_at for o in list_accounts(store, "", 10)] == [world.now]
        assert all(
            isinstance(c, Exception)
            for c in Callers(store, operator, world.clock).find([hash_token(made[0].text.encode())])
        )


def test_staff_sign_in_and_out(store_url: str) -> None:
    with new_store(store_url) as store:
        world = World(store)
        studio, operator = party_of("studio"), operator_of(store)
        open_account(store, studio, "Studio", world.now)
        anna = add_staff(store, studio, "Anna", PASSWORD, ["admin"], world.now)
        with pytest.raises(ConflictError, match="taken"):
            add_staff(store, studio, "ANNA", PASSWORD, ["admin"], world.now)
        with pytest.raises(UnauthenticatedError):
            sign_in(store, operator, "anna", "wrong wrong wrong", world.now, LIVES)
        made = sign_in(store, operator, "anna", PASSWORD, world.now, LIVES)
        assert made.session.caller == (studio, anna.id, frozenset({"admin"}), False)
        world.wait(600 * SECOND)
        later = find_session(store, operator, made.secret, world.now, LIVES)
        assert later.expires_at == made.session.expires_at + 600 * SECOND
        assert later.csrf == made.session.csrf
        sign_out(store, made.secret)
        with pytest.raises(UnauthenticatedError, match="any more"):
            find_session(store, operator, made.secret, world.now, LIVES)
        disable_staff(store, "anna", world.now)
        assert [(s.login, s.disabled_at) for s in list_staff(store, studio)] == [("anna", world.now)]


def test_the_trail_is_read_newest_first_and_its_oldest_rows_go(store_url: str) -> None:
    def asked(at: int) -> Asked:
        return Asked(at, "pty_x", "clt_x", "r", "o", "", 200)

    with new_store(store_url) as store:
        with store.write() as tx:
            insert_requests(tx, [asked(n * DAY) for n in range(10)])
        with store.write() as tx:
            assert [delete_oldest(tx, 7 * DAY, 3) for _ in range(4)] == [3, 3, 1, 0]
            assert [row.asked.at for row in read_requests(tx, "pty_x", 2**53, 10)] == [9 * DAY, 8 * DAY, 7 * DAY]


def test_what_is_known_of_a_token_is_known_only_until_the_next_commit(store_url: str) -> None:
    with new_store(store_url) as store, open_store(store_url) as elsewhere:
        world = World(store)
        operator = operator_of(store)
        open_account(store, world.studio.party, "studio", world.now)
        token = create_token(store, world.studio.party, ["admin"], world.now, life=10)
        callers, hash_ = Callers(store, operator, world.clock), hash_token(token.text.encode())
        (caller,) = callers.find([hash_])
        version = store.version()
        assert (version is None) == store_url.startswith("postgresql")
        assert callers.known(hash_, version) == (None if version is None else caller)
        assert callers.known(bytes(32), version) is None
        world.now += 10
        if version is not None:
            with pytest.raises(UnauthenticatedError):
                callers.known(hash_, version)
        world.now -= 10
        revoke_token(elsewhere, world.studio.party, token.record.id, world.now)
        assert callers.known(hash_, store.version()) is None
        assert isinstance(callers.find([hash_])[0], UnauthenticatedError)
