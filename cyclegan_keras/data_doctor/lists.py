"""Text files that name pictures, one path a line, for whoever wants to move them away."""

import pathlib

from cyclegan_keras.data_doctor.findings import Finding
from cyclegan_keras.data_doctor.looking import Seen
from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.names import name_bytes


def list_file(report: pathlib.Path, finding: Finding) -> pathlib.Path:
    """Returns where the list of a finding lies beside a report: data.html -> data.dark.txt."""
    return report.with_name(f"{report.stem}.{finding.kind}.txt")


def paths_to_remove(seen: Seen, finding: Finding) -> list[pathlib.Path]:
    """Returns the files of a finding that a training can do without, each once.

    Pictures that are no files have none; a name with a line break would be two lines, and is left
    out.
    """
    found = {}
    for place in finding.to_remove:
        path = seen.sets[place.set_name].path(place.number)
        if path is not None and "\n" not in str(path) and "\r" not in str(path):
            found[path.absolute()] = True
    return list(found)


def write_lists(
    report: pathlib.Path, seen: Seen, findings: list[Finding]
) -> dict[str, pathlib.Path]:
    """Writes one list for each finding that has files to remove. Nothing else is touched.

    Args:
        report: the page that the lists lie beside; its folder exists.
        seen: what was seen of the pictures.
        findings: all of them.

    Returns:
        kind of finding -> its list.

    Raises:
        WriteError: a list cannot be written.
    """
    written = {}
    for finding in findings:
        paths = paths_to_remove(seen, finding)
        if not paths:
            continue
        file = list_file(report, finding)
        with atomic_write(file) as temporary:
            temporary.write_bytes(b"".join(name_bytes(f"{path}\n") for path in paths))
        written[finding.kind] = file
    return written
