"""What is read of files of tensors, and that nothing in them can do harm."""

from __future__ import annotations

import argparse
import io
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fpngraph.weights.state import StateError, read_content, read_state

NO_FILE = "is no file of tensors that torch.save or safetensors wrote"


def saved(path: Path, records: dict[str, bytes] | None = None, **how: Any) -> None:
    """A file of torch.save's with one tensor, some of its records replaced."""
    file = io.BytesIO()
    torch.save({"x": torch.ones(2)}, file)
    source = zipfile.ZipFile(file)
    with zipfile.ZipFile(path, "w", **how) as target:
        for name in source.namelist():
            target.writestr(name, (records or {}).get(name.rpartition("/")[2], source.read(name)))


def numpy_number(dtype: bytes, data: bytes) -> bytes:
    """The pickle of ``{'metric': numpy's scalar}`` with a dtype, itself a pickle, and the bytes of its number."""
    text = pickle.dumps(data.decode("latin1"), 2)[2:-1]
    encoded = b"c_codecs\nencode\n(" + text + b"X\x06\x00\x00\x00latin1tR"
    scalar = b"cnumpy._core.multiarray\nscalar\n" + dtype + encoded + b"\x86R"
    return b"\x80\x02}X\x06\x00\x00\x00metric" + scalar + b"s."


def dtype_of(*arguments: bytes, state: object = None) -> bytes:
    """The pickle of a call of ``numpy.dtype`` with arguments that are pickles, and perhaps of a state for it."""
    built = b"" if state is None else pickle.dumps(state, 2)[2:-1] + b"b"
    return b"cnumpy\ndtype\n(" + b"".join(arguments) + b"tR" + built


def plain(value: object) -> bytes:
    return pickle.dumps(value, 2)[2:-1]


FLOAT = dtype_of(plain("f8"), plain(False), plain(True), state=(3, "<", None, None, None, -1, -1, 0))


@pytest.mark.parametrize(
    "number",
    [np.float64(0.3), np.float32(-2.5), np.float16(1.5), np.int64(-7), np.uint8(200), np.bool_(True)],
    ids=repr,
)
def test_a_metric_of_numpys_beside_the_tensors_is_read_as_a_plain_number(number: Any, tmp_path: Path) -> None:
    torch.save({"metric": number, "args": argparse.Namespace(lr=0.1), "x": torch.ones(2)}, tmp_path / "a.pt")

    content = read_content(tmp_path / "a.pt")

    assert (content["metric"], type(content["metric"])) == (number.item(), type(number.item()))
    assert content["args"] == argparse.Namespace(lr=0.1)
    assert torch.equal(content["x"], torch.ones(2))


def test_the_order_of_the_bytes_of_a_number_counts(tmp_path: Path) -> None:
    dtype = dtype_of(plain("i4"), plain(False), plain(True), state=(3, ">", None, None, None, -1, -1, 0))
    saved(tmp_path / "a.pt", {"data.pkl": numpy_number(dtype, b"\x00\x00\x01\x02")})

    assert read_content(tmp_path / "a.pt") == {"metric": 258}


def beyond() -> bytes:
    """A dtype with a field of a million numbers where there are the bytes of one."""
    shape = b"(" + FLOAT + plain((10**6,)) + b"t"
    state = b"(" + plain(3) + plain("<") + shape + plain(None) + plain(None) + plain(-1) + plain(-1) + plain(0) + b"t"
    wide = dtype_of(plain("f8"), plain(False), plain(True)) + state + b"b"
    return dtype_of(b"](" + b"(" + plain("a") + wide + b"te")


BAD_NUMBERS = {
    "a field beyond its bytes": (beyond(), bytes(8)),
    "an object": (dtype_of(plain("O")), bytes(8)),
    "raw bytes of a gigabyte": (dtype_of(plain("V1000000000")), bytes(8)),
    "too few bytes": (FLOAT, bytes(2)),
    "too many bytes": (FLOAT, bytes(16)),
    "text as its size": (dtype_of(plain("f8"), state=("x",)), bytes(8)),
    "no dtype": (plain("f8"), bytes(8)),
}


@pytest.mark.parametrize("name", BAD_NUMBERS)
def test_a_crafted_number_of_numpys_is_refused_before_numpy_sees_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    saved(path, {"data.pkl": numpy_number(*BAD_NUMBERS[name])})
    program = "import sys; from fpngraph.weights.state import read_content; print(repr(read_content(sys.argv[1]))[:99])"

    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (1, "")  # nor killed by a signal
    assert done.stderr.splitlines()[-1] == f"fpngraph.weights.state.StateError: {str(path)!r} {NO_FILE}"


def huge_header(path: Path) -> None:
    path.write_bytes((2**62).to_bytes(8, "little") + b"{}")


def cut_off(path: Path) -> None:
    saved(path)
    path.write_bytes(path.read_bytes()[:200])


def beyond_its_record(path: Path) -> None:
    """A tensor that says more numbers than its record has."""
    file = io.BytesIO()
    torch.save({"x": torch.ones(2)}, file)
    archive = zipfile.ZipFile(file)
    name = next(one for one in archive.namelist() if one.endswith("data.pkl"))
    saved(path, {"data.pkl": archive.read(name).replace(b"K\x02", b"J\x00\x00\x10\x00")})


@pytest.mark.parametrize("ending", ["pt", "safetensors"])
@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(b"PK\x05\x06" + bytes(18)), id="empty zip"),
        pytest.param(huge_header, id="huge header"),
        pytest.param(cut_off, id="cut off"),
        pytest.param(beyond_its_record, id="beyond its record"),
        pytest.param(lambda path: path.write_bytes(b"\x80\x02" + b"(" * 100_000), id="marks"),
    ],
)
def test_a_damaged_file_is_named(write: Callable[[Path], None], ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    write(path)

    with pytest.raises(StateError) as caught:
        read_state(path)

    assert str(caught.value) == f"{str(path)!r} {NO_FILE}"


def test_records_that_grow_when_they_are_read_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    saved(path, {"0": bytes(10**7)}, compression=zipfile.ZIP_DEFLATED)

    with pytest.raises(StateError) as caught:
        read_content(path)

    assert str(caught.value) == f"{str(path)!r} has compressed records, which torch.save does not write"


@pytest.mark.parametrize("ending", ["pt", "safetensors"])
def test_what_is_no_file_is_an_error_of_the_system_with_its_path(ending: str, tmp_path: Path) -> None:
    folder, pipe = tmp_path / f"a.{ending}", tmp_path / f"b.{ending}"
    folder.mkdir()
    os.mkfifo(pipe)

    for path, kind in ((folder, IsADirectoryError), (pipe, OSError), (tmp_path / f"none.{ending}", FileNotFoundError)):
        with pytest.raises(kind) as caught:
            read_content(path)
        assert caught.value.filename == str(path)
