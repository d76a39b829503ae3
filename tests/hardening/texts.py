"""Text files of data sets and contests: `.pts`, `.asf`, XML, CSV and submissions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from bench.tasks.submission import HEADER, VALUES, read_submission
from fkp.datasets.dlib_xml import read_dlib_xml, read_given_boxes
from fkp.datasets.imm import read_asf
from fkp.datasets.pts import read_pts
from fkp.datasets.ytf import read_ytf_csv
from hardening.kinds import READ, REFUSED, Kind

_PTS = "version: 1\nn_points: 3\n{\n1 1\n2.5 2\n3 3e0\n}\n"
_ASF_ROW = "0 0 0.5 0.5 0 0 0\n"  # of the first point: the fifth field counts them
_ASF = "# points\n58\n" + "".join(f"0 0 0.5 0.5 {i} 0 0\n" for i in range(58)) + "face.jpg\n"
_XML = "<dataset><images>{}</images></dataset>"
_BOX = "<image file='a.jpg'><box left='1' top='2' width='30' height='40'/></image>"


def kinds() -> Iterator[Kind]:
    """All kinds of texts."""
    for area, read, good, bad in (
        (".pts", _points, _good_pts(), _bad_pts()),
        (".asf", _asf, {"whole": _ASF, "CRLF": _ASF.replace("\n", "\r\n")}, _bad_asf()),
        ("XML boxes", _boxes, {"one box": _XML.format(_BOX)}, _bad_xml()),
        ("XML faces", _faces, {}, _bad_xml() | _nameless_xml()),
        ("YTF CSV", _ytf, {}, _bad_ytf()),
        ("submissions", _submission, _good_submissions(), _bad_submissions()),
    ):
        for name, text in good.items():
            yield Kind(area, name, partial(_read, read, text), READ)
        for name, text in bad.items():
            yield Kind(area, name, partial(_read, read, text), REFUSED)
        yield Kind(area, "a missing file", partial(_read, read, None), REFUSED)


def _read(read: Callable[[Path], str], text: str | bytes | None, folder: Path) -> str:
    file = folder / "file"
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(file)


def _points(file: Path) -> str:
    return f"{len(read_pts(file))} points"


def _asf(file: Path) -> str:
    return f"{len(read_asf(file)[0])} points"


def _boxes(file: Path) -> str:
    return f"{len(read_given_boxes(file))} boxes"


def _faces(file: Path) -> str:
    return f"{len(list(read_dlib_xml(file, np.atleast_2d)))} faces"


def _ytf(file: Path) -> str:
    return f"{len(list(read_ytf_csv(file)))} faces"


def _submission(file: Path) -> str:
    return f"{read_submission(file, 1).shape}"


def _good_pts() -> dict[str, str | bytes]:
    return {
        "whole": _PTS,
        "CRLF": _PTS.replace("\n", "\r\n"),
        "tabs and blank lines": _PTS.replace(" ", "\t").replace("{\n", "{\n\n"),
        "no blank after the colon": _PTS.replace(": ", ":"),
        "with a byte order mark": b"\xef\xbb\xbf" + _PTS.encode(),
        "without a last line end": _PTS.rstrip(),
        "negative numbers": _PTS.replace("1 1", "-1 -1.5"),
    }


def _bad_pts() -> dict[str, str | bytes]:
    return {
        "empty": "",
        "a text": "hello",
        "binary": bytes(range(256)),
        "a null byte": _PTS.replace("2.5", "2\0"),
        "UTF-16": _PTS.encode("utf-16"),
        "no version": _PTS.replace("version: 1\n", ""),
        "no number of points": _PTS.replace("n_points: 3\n", ""),
        "not opened": _PTS.replace("{\n", ""),
        "not closed": _PTS.replace("}\n", ""),
        "cut in a point": _PTS[:-8],
        "too few points": _PTS.replace("1 1\n", ""),
        "too many points": _PTS.replace("1 1\n", "1 1\n1 1\n"),
        "a negative number of points": _PTS.replace("n_points: 3", "n_points: -3"),
        "a number of points in words": _PTS.replace("n_points: 3", "n_points: three"),
        "a point with one number": _PTS.replace("2.5 2", "2.5"),
        "a point with three numbers": _PTS.replace("2.5 2", "2.5 2 1"),
        "words for numbers": _PTS.replace("2.5", "two"),
        "commas for points": _PTS.replace("2.5", "2,5"),
        "NaN": _PTS.replace("2.5", "nan"),
        "infinity": _PTS.replace("2.5", "inf"),
        "a number that overflows": _PTS.replace("2.5", "1e999"),
        "digits of another script": _PTS.replace("2.5", "٢"),
        "digits with an underscore": _PTS.replace("2.5", "2_5"),
    }


def _bad_asf() -> dict[str, str | bytes]:
    return {
        "empty": "",
        "only a remark": "# nothing\n",
        "binary": bytes(range(256)),
        "too few points": _ASF.replace(_ASF_ROW, "", 1),
        "a number of points in words": _ASF.replace("58", "many", 1),
        "a row of six numbers": _ASF.replace(_ASF_ROW, "0 0 0.5 0.5 0 0\n", 1),
        "words for numbers": _ASF.replace("0.5", "half", 1),
        "NaN": _ASF.replace("0.5", "nan", 1),
        "infinity": _ASF.replace("0.5", "inf", 1),
        "no picture": _ASF.replace("face.jpg\n", ""),
        "cut": _ASF[:200],
    }


def _bad_xml() -> dict[str, str | bytes]:
    entity = "<!DOCTYPE d [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
    laughs = "<!DOCTYPE d [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]>"
    return {
        "empty": "",
        "a text": "hello",
        "binary": bytes(range(256)),
        "not closed": "<dataset><images>",
        "an external entity": entity + _XML.format("<image file='&x;'/>"),
        "entities within entities": laughs + _XML.format("<image file='&b;'/>"),
        "a box without a side": _XML.format("<image file='a.jpg'><box left='1' top='2' width='3'/></image>"),
        "a box of words": _XML.format(_BOX.replace("'30'", "'wide'")),
        "a box of NaN": _XML.format(_BOX.replace("'30'", "'nan'")),
        "a box of negative size": _XML.format(_BOX.replace("'30'", "'-30'")),
        "a box of infinite size": _XML.format(_BOX.replace("'30'", "'inf'")),
    }


def _nameless_xml() -> dict[str, str | bytes]:
    return {"a picture without a name": _XML.format(_BOX.replace(" file='a.jpg'", ""))}


def _bad_ytf() -> dict[str, str | bytes]:
    return {
        "binary": bytes(range(256)),
        "a text": "hello",
        "words for numbers": "a,b,c\nx.jpg,one,two\n",
        "a row that is too short": "a,b\nx.jpg,1,2\n",
        "a quote that is not closed": 'a,b\n"x.jpg,1,2\n',
    }


def _values(count: int = VALUES) -> list[str]:
    return [f"{i},{i / 2}" for i in range(count)]


def _good_submissions() -> dict[str, str | bytes]:
    return {
        "whole": "\n".join([HEADER, *_values()]),
        "in another order": "\n".join([HEADER, *reversed(_values())]),
        "CRLF": "\r\n".join([HEADER, *_values(), ""]),
    }


def _bad_submissions() -> dict[str, str | bytes]:
    rows = _values()

    def with_row(row: str) -> str:
        return "\n".join([HEADER, row, *rows[1:]])

    return {
        "empty": "",
        "binary": bytes(range(256)),
        "no header": "\n".join(rows),
        "another header": "\n".join(["id;value", *rows]),
        "too few rows": "\n".join([HEADER, *rows[1:]]),
        "too many rows": "\n".join([HEADER, *_values(VALUES + 1)]),
        "an id twice": with_row(rows[1]),
        "an id that is too large": with_row("999999,1"),
        "a negative id": with_row("-1,1"),
        "an id in words": with_row("zero,1"),
        "a value in words": with_row("0,one"),
        "NaN": with_row("0,nan"),
        "infinity": with_row("0,inf"),
        "no value": with_row("0,"),
        "three columns": with_row("0,1,2"),
        "semicolons": with_row("0;1"),
    }
