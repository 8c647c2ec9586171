import sys

import numpy as np
import pytest

from cyclegan_keras.files.errors import DataError, PictureError
from pipelines.slices.dicom_files import may_be_dicom, read_header, reason_to_pass_over
from pipelines.slices.finding import find_volumes
from pipelines.slices.passed_over import Reason, describe

STORED = np.zeros((4, 6), np.uint16)


@pytest.mark.parametrize("preamble", [True, False])
def test_recognized_by_content(write_dicom, tmp_path, preamble):
    write_dicom(tmp_path / "IM0001", STORED, preamble=preamble)
    assert may_be_dicom(tmp_path / "IM0001")
    assert read_header(tmp_path / "IM0001").PatientID == "4711"


def test_what_only_begins_like_dicom_is_none(write_dicom, tmp_path):
    path = tmp_path / "table"
    path.write_bytes(b"\x08\x00" + bytes(range(200)))
    assert may_be_dicom(path)
    assert read_header(path) is None
    (tmp_path / "picture.png").write_bytes(b"\x89PNG" + bytes(200))
    assert not may_be_dicom(tmp_path / "picture.png")


def test_a_damaged_file_is_called_damaged(write_dicom, tmp_path):
    path = tmp_path / "a"
    path.write_bytes(bytes(128) + b"DICM" + b"\xff" * 50)
    with pytest.raises(PictureError, match="is damaged"):
        read_header(path)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({}, None),
        ({"Modality": "RTSTRUCT"}, Reason("RT structure set")),
        ({"Modality": "SR"}, Reason("report")),
        ({"Modality": "SEG"}, Reason("segmentation")),
        ({"Rows": None}, Reason("DICOM file", " without an image")),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, Reason("localizer")),
        ({"PhotometricInterpretation": "RGB"}, Reason("color picture")),
        ({"sop_class": "1.2.840.10008.5.1.4.1.1.7.2"}, Reason("secondary capture")),
        (
            {"SeriesInstanceUID": None},
            Reason("DICOM file", " without a SeriesInstanceUID"),
        ),
    ],
)
def test_reasons(write_dicom, tmp_path, attributes, reason):
    write_dicom(tmp_path / "a", STORED, **attributes)
    assert reason_to_pass_over(read_header(tmp_path / "a")) == reason


def test_every_file_of_a_folder_is_accounted_for(write_dicom, tmp_path):
    write_dicom(tmp_path / "1", STORED, position=(0, 0, 0))
    (tmp_path / "2").write_bytes((tmp_path / "1").read_bytes())
    write_dicom(tmp_path / "3", STORED, Modality="SR")
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "LICENSE").write_text("hello")
    (tmp_path / "b").write_bytes(bytes(128) + b"DICM")
    (tmp_path / ".hidden").write_text("hello")
    found = find_volumes([tmp_path])
    assert len(found.volumes) == 1
    assert sorted(describe(found.passed_over).split(", ")) == [
        "1 .txt file",
        "1 copy of a file that is there already",
        "1 file without an ending that is no DICOM",
        "1 report",
    ]
    assert [sentence.split(" is ")[0] for sentence in found.damaged] == [str(tmp_path / "b")]


def test_no_input_is_a_sentence(tmp_path):
    with pytest.raises(DataError, match="nowhere does not exist"):
        find_volumes([tmp_path / "nowhere"])


def test_without_pydicom_the_message_names_it(write_dicom, tmp_path, monkeypatch):
    write_dicom(tmp_path / "a", STORED)
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(DataError, match=r'needs pydicom: pip install "cyclegan-keras\[medical\]"'):
        find_volumes([tmp_path])
