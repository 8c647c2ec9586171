import subprocess
import sys

import numpy as np
import pytest
import tifffile
from conftest import ROOT

from pipelines.slices.__main__ import main
from pipelines.slices.names import pseudonym


def test_from_a_scanner_to_a_translated_series(ct_series, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    expected = ct_series(tmp_path / "ct")
    ct_series(tmp_path / "ct2", seed=1, SeriesInstanceUID="1.2.9")
    (tmp_path / "ct" / "notes.txt").write_text("hello")
    assert main(["ct", "--output=set", "--split=trainA"]) == 0
    out = capsys.readouterr().out
    assert out == (
        "Wrote 5 slices of 1 series of 1 patient to set.\n"
        f"Values: {expected.min()} to {expected.max()} (HU); 5 of int16.\n"
        "trainA: 1 patient.\n"
        "Passed over 1 file: 1 .txt file.\n"
    )
    assert main(["cut", "ct2", "--output=set", "--split=trainB"]) == 0
    assert "Train on them by --dataset=set." in capsys.readouterr().out
    assert main(["join", "set/trainA", "--like", "ct", "--output=joined"]) == 0
    out = capsys.readouterr().out
    assert "Wrote 5 slices in 5 files to joined." in out
    assert "no diagnosis" in out


def test_a_dry_run_lists_the_series(ct_series, tmp_path, capsys):
    ct_series(tmp_path / "ct")
    assert main([str(tmp_path / "ct"), f"--output={tmp_path / 'out'}", "--dry_run"]) == 0
    out = capsys.readouterr().out
    assert "CT, HU, 5 axial of 6x4, Thorax of Jane" in out
    assert f"from {tmp_path / 'ct'}" in out
    assert "Would cut 1 series of 1 patient." in out


def test_mixed_number_types_are_told(write_dicom, tmp_path, capsys):
    stored = np.ones((4, 6), np.uint16)
    for number, slope in enumerate((1, 0.5)):
        write_dicom(
            tmp_path / "mr" / str(number),
            stored,
            Modality="MR",
            SeriesInstanceUID=f"1.{number}",
            RescaleSlope=slope,
            RescaleIntercept=0,
        )
    assert main([str(tmp_path / "mr"), f"--output={tmp_path / 'out'}"]) == 0
    assert "several number types: --dtype=float32" in capsys.readouterr().out


def test_warnings_and_failures_go_to_stderr(write_dicom, ct_series, tmp_path, capsys):
    ct_series(tmp_path / "ct", BurnedInAnnotation="YES")
    (tmp_path / "ct" / "damaged").write_bytes(bytes(128) + b"DICM")
    assert main([str(tmp_path / "ct"), f"--output={tmp_path / 'out'}"]) == 1
    captured = capsys.readouterr()
    assert "Wrote 5 slices" in captured.out
    assert "Its pixels contain text (BurnedInAnnotation)" in captured.err
    assert "damaged is damaged" in captured.err


def test_errors_are_sentences(tmp_path, capsys):
    assert main([str(tmp_path / "nowhere"), f"--output={tmp_path}"]) == 2
    assert capsys.readouterr().err == (
        f"slices: {tmp_path / 'nowhere'} does not exist: name a DICOM or NIfTI file, or a folder.\n"
    )
    assert main([str(tmp_path), f"--output={tmp_path}", "--every=0"]) == 2
    assert "every is 0, expected 1 or more" in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["cut"], ["join"]])
def test_help_shows_an_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    assert stop.value.code == 0
    assert "cyclegan-slices" in capsys.readouterr().out.split("usage:")[1][20:]


@pytest.mark.slow
@pytest.mark.process
def test_as_a_command(ct_series, tmp_path):
    ct_series(tmp_path / "ct")
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.slices", "ct", "--output=out", "--split=trainA"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "out" / "trainA" / pseudonym("4711", salt="")
    assert len(list(folder.glob("*.tiff"))) == 5
    assert tifffile.imread(sorted(folder.glob("*.tiff"))[0]).dtype == np.int16
