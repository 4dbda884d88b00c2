"""The file store: permissions, full disks, encryption and damage."""

from __future__ import annotations

import os
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from airflow_provider_engagevoice.client.retry import RetryLimits
from airflow_provider_engagevoice.exceptions import TokenStoreError
from airflow_provider_engagevoice.stores import Rate
from airflow_provider_engagevoice.stores.factory import open_store
from airflow_provider_engagevoice.stores.files import default_directory
from tests.integration.stores.crew import together
from tests.integration.stores.full_disk import full_disk
from tests.integration.stores.jobs import shared_state_at, use
from tests.support.clients import sign_ins

KEY = "0e" * 32
RATES = (Rate(5, 30.0),)
ONCE = RetryLimits(tries=1)
NOBODY = 65534

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")


@pytest.fixture
def directory(files) -> Path:
    """The directory of ``files``."""
    return Path(files.removeprefix("file://"))


def use_all(store) -> None:
    store.write(KEY, b"value", 60)
    assert store.read(KEY)[0] == b"value"
    with store.lock(KEY, 1):
        pass
    store.acquire(KEY, RATES)
    store.pause(KEY, 0.01)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_other_users_cannot_read_it(files, directory, umask) -> None:
    before = os.umask(umask)
    try:
        use_all(open_store(files))
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    assert {"budgets.sqlite3", f"{KEY}.value"} <= set(modes)
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_directory_writable_by_others_is_rejected(settings, sandbox, files, directory, mode) -> None:
    directory.mkdir()
    directory.chmod(mode)
    with pytest.raises(TokenStoreError, match=f"has mode {mode:o}") as caught:
        open_store(files).read(KEY)
    assert not caught.value.retryable
    found = use(settings, files)
    assert (found.outcome, sandbox.requests()) == ("TokenStoreError", [])
    assert list(directory.iterdir()) == []


@as_root
def test_a_directory_of_another_user_is_rejected(files, directory) -> None:
    directory.mkdir(mode=0o700)
    os.chown(directory, NOBODY, NOBODY)
    with pytest.raises(TokenStoreError, match=f"it belongs to user {NOBODY}") as caught:
        open_store(files).read(KEY)
    assert not caught.value.retryable


def _write_as_nobody(text: str) -> tuple[str, bool]:
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    try:
        use_all(open_store(text))
    except TokenStoreError as error:
        return str(error), error.retryable
    return "", True


@as_root
@pytest.mark.parametrize("folder", ["unwritable", "unwritable/below", "hidden/below"])
@pytest.mark.few(1)
def test_no_permission(folder) -> None:
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        base.chmod(0o755)
        for parent, mode in (("unwritable", 0o500), ("hidden", 0o000)):
            (base / parent).mkdir(mode=mode)
            if parent == "unwritable":
                os.chown(base / parent, NOBODY, NOBODY)
        ((message, retryable),) = together([(_write_as_nobody, f"file://{base / folder}")])
    assert "no permission" in message
    assert f"make the directory writable for user {NOBODY}, or set token_store" in message
    assert not retryable


def test_below_a_regular_file(settings, tmp_path) -> None:
    (tmp_path / "file").touch()
    below = f"file://{tmp_path / 'file' / 'shared'}"
    found = use(settings, below, limits=ONCE)
    assert (found.outcome, "Not a directory" in found.message) == ("TokenStoreError", True)
    found = use(settings, f"{below}, memory")
    assert found.outcome == 1
    assert len([line for line in found.logged if "using memory instead" in line]) == 1


def test_a_full_disk(settings, sandbox, tmp_path) -> None:
    with full_disk(tmp_path / "full"):
        text = f"file://{tmp_path / 'full'}"
        store = open_store(text)
        with pytest.raises(TokenStoreError, match="No space left"):
            store.write(KEY, b"value", 60)
        assert [path.name for path in (tmp_path / "full").iterdir() if path.name != "filler"] == []
        # The process that signed in uses its token nevertheless.
        found = use(settings, text, times=3)
        assert found.outcome == 1
        assert [line for line in found.logged if "only this process uses the new token" in line]
    assert sign_ins(sandbox) == ["token 200", "accesstoken 200"]


# Stored values.


def test_encrypted_with_a_key(sandbox, settings, files, directory) -> None:
    key = Fernet.generate_key()
    assert use(settings, files, key=key).outcome == 1
    token = shared_state_at(files, key).tokens.load(settings.token_key)
    assert token is not None
    stored = b"".join(path.read_bytes() for path in directory.iterdir())
    assert token.value.encode() not in stored
    assert token.refresh.encode() not in stored
    assert use(settings, files, key=key).outcome == 1
    assert sign_ins(sandbox).count("accesstoken 200") == 1


@pytest.mark.parametrize("keys", ["another", "none"])
def test_a_token_of_another_key_counts_as_absent(sandbox, settings, files, keys) -> None:
    first, second = Fernet.generate_key(), Fernet.generate_key() if keys == "another" else None
    assert use(settings, files, key=first).outcome == 1
    assert use(settings, files, key=second).outcome == 1
    assert use(settings, files, key=second).outcome == 1
    assert sign_ins(sandbox).count("accesstoken 200") == 2


DAMAGED = {
    "nothing": b"",
    "no value": b"1 2\n",
    "noise": os.urandom(300),
    "half": None,
    "no times": b"yesterday soon\n{}",
    "one time": b"5\n{}",
    "not a number": b"nan 300\n{}",
    "a list": b"{now} 300\n[]",
    "a text": b'{now} 300\n"token"',
    "fields missing": b'{now} 300\n{"value": "x"}',
    "numbers": b'{now} 300\n{"value": 5, "header": 6, "lives": 300, "refresh": 7}',
    "null": b'{now} 300\n{"value": null, "header": "Authorization", "lives": 300, "refresh": null}',
    "deep": b"{now} 300\n" + b"[" * 100_000,
    "no header": b'{now} 300\n{"value": "a\\nb", "header": "Authorization", "lives": 300, "refresh": ""}',
}


@pytest.mark.parametrize("damage", DAMAGED)
@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.few(4)
def test_a_damaged_token_counts_as_absent(sandbox, settings, files, directory, damage, how) -> None:
    assert use(settings, files).outcome == 1
    (path,) = directory.glob("*.value")
    content = DAMAGED[damage]
    if content is None:
        whole = path.read_bytes()
        content = whole[: len(whole) // 2]
    path.write_bytes(content.replace(b"{now}", str(time.time()).encode()))
    found = use(settings, files, how)
    assert found.outcome == 1, found
    assert use(settings, files).outcome == 1
    assert sign_ins(sandbox).count("accesstoken 200") == 2


def _write_for(text: str, seconds: float) -> int:
    store, count, ends = open_store(text), 0, time.monotonic() + seconds
    while time.monotonic() < ends:
        count += 1
        store.write(KEY, bytes([65 + count % 26]) * (1 + 5000 * (count % 20)), 60)
    return count


def _read_for(text: str, seconds: float) -> int:
    store, count, ends = open_store(text), 0, time.monotonic() + seconds
    while time.monotonic() < ends:
        if (found := store.read(KEY)) is not None:
            assert len(found[0]) % 5000 == 1, "half a value"
            assert len(set(found[0])) == 1, "parts of two values"
            count += 1
    return count


@pytest.mark.slow
def test_reads_are_never_partial(shared) -> None:
    counts = together([(_write_for, shared, 2.0)] * 2 + [(_read_for, shared, 2.0)] * 2)
    assert min(counts) > 10


def test_stale_values_are_removed(files, directory) -> None:
    store = open_store(files)
    store.write(KEY, b"old", 60)
    store.write("0f" * 32, b"new", 60)
    week = time.time() - 8 * 86_400
    os.utime(directory / f"{KEY}.value", (week, week))
    store.write("1a" * 32, b"newest", 60)
    assert sorted(path.name for path in directory.glob("*.value")) == [
        f"{'0f' * 32}.value",
        f"{'1a' * 32}.value",
    ]


# What is deleted, and where.


@pytest.fixture
def old_files(directory: Path) -> Callable[[Path], list[Path]]:
    """Put files into a folder that were not written for a month."""

    def put(folder: Path) -> list[Path]:
        folder.mkdir(mode=0o700, exist_ok=True)
        paths = [folder / name for name in (f"{'0a' * 32}.value", "budgets.sqlite3", "mine.value", "notes")]
        for path in paths:
            path.write_bytes(b"not a database, " * 100)
            os.utime(path, (1e9, 1e9))
        return paths

    return put


def use_store(files: str) -> None:
    store = open_store(files)
    store.write("1b" * 32, b"value", 60.0)
    with suppress(TokenStoreError):
        store.acquire("1b" * 32, (Rate(5, 60.0),))


def test_nothing_is_deleted_in_the_default_directory_if_it_was_there(
    monkeypatch, tmp_path, old_files
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    mine = old_files(default_directory())
    use_store("file")
    assert [path for path in mine if not path.exists()] == []


def test_nothing_is_deleted_in_a_directory_that_was_there(files, directory, old_files) -> None:
    mine = old_files(directory)
    use_store(files)
    assert [path for path in mine if not path.exists()] == []
    with pytest.raises(TokenStoreError, match="remove it, or set token_store") as caught:
        open_store(files).acquire("1b" * 32, (Rate(5, 60.0),))
    assert not caught.value.retryable


def test_in_a_directory_of_its_own_only_its_files_are_deleted(files, directory, old_files) -> None:
    use_store(files)
    for path in directory.glob("budgets*"):
        path.unlink()
    mine = old_files(directory)
    use_store(files)
    assert [path.name for path in mine if path.exists()] == ["mine.value", "notes"]


@pytest.mark.parametrize("made", [True, False], ids=["made by the store", "there before"])
def test_nothing_is_deleted_through_a_symlink(tmp_path, old_files, made) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    if made:
        open_store(f"file://{target}").write("1b" * 32, b"value", 60.0)
    link.symlink_to(target, target_is_directory=True)
    mine = old_files(target)
    use_store(f"file://{link}")
    assert [path for path in mine if not path.exists()] == []


def test_symlinks_in_its_directory_are_left_alone(files, directory, tmp_path, old_files) -> None:
    use_store(files)
    (mine, *_) = old_files(tmp_path / "elsewhere")
    link = directory / f"{'2b' * 32}.value"
    link.symlink_to(mine)
    os.utime(link, (1e9, 1e9), follow_symlinks=False)
    use_store(files)
    assert link.is_symlink()
    assert mine.exists()
