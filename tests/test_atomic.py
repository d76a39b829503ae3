"""Files written whole or not at all."""

import os
import stat

import pytest

from fkp.atomic import draft_of, write_bytes, write_text


def test_a_new_file_appears_with_ordinary_permissions(tmp_path):
    path, plain = tmp_path / "rows.csv", tmp_path / "plain"
    write_text(path, "a,b\n\u00e9,\u00fc\n")
    plain.touch()
    assert path.read_text(encoding="utf-8") == "a,b\n\u00e9,\u00fc\n"
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_an_error_leaves_the_earlier_file_and_no_draft(tmp_path):
    path = tmp_path / "rows.csv"
    write_bytes(path, b"earlier")

    def fail():
        with draft_of(path) as draft:
            draft.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_bytes() == b"earlier"
    assert os.listdir(tmp_path) == ["rows.csv"]


def test_permissions_of_the_replaced_file_stay(tmp_path):
    path = tmp_path / "private"
    path.touch(mode=0o600)
    write_text(path, "secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_missing_folder_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_text(tmp_path / "nowhere" / "file", "text")
