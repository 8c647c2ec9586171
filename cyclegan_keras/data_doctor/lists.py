"""Text files that name pictures, one path a line, for whoever wants to move them away."""

import json
import pathlib

from cyclegan_keras.data_doctor.findings import Finding
from cyclegan_keras.data_doctor.looking import Seen
from cyclegan_keras.data_doctor.sets import Place
from cyclegan_keras.files.atomic import atomic_write
from cyclegan_keras.files.errors import WriteError
from cyclegan_keras.files.names import name_bytes


def list_file(report: pathlib.Path, kind: str) -> pathlib.Path:
    """Returns where the list of a finding lies beside a report: data.html -> data.dark.txt."""
    return report.with_name(f"{report.stem}.{kind}.txt")


def paths_to_remove(seen: Seen, finding: Finding) -> list[pathlib.Path]:
    """Returns the files of a finding that a training can do without, each once.

    Of a pair both files are among them, since a training on pairs refuses one without the other.
    Pictures that are no files have none; a name with a line break would be two lines, and leaves
    its picture out.
    """
    found = {}
    for place in finding.to_remove:
        paths = [seen.sets[each.set_name].path(each.number) for each in _with_partner(seen, place)]
        files = [path.absolute() for path in paths if path is not None]
        if not any(has_line_break(path) for path in files):
            found.update(dict.fromkeys(files))
    return list(found)


def _with_partner(seen: Seen, place: Place) -> list[Place]:
    own = seen.sets[place.set_name]
    # The pairs of --pairs are picked from sets in which a picture needs no partner.
    if not own.partners or own.split == "pairs":
        return [place]
    return sorted([place, Place(own.partners, place.number)])


def has_line_break(path: pathlib.Path) -> bool:
    """Whether a path is more than one line of a list."""
    return "\n" in str(path) or "\r" in str(path)


def write_lists(
    report: pathlib.Path, seen: Seen, findings: list[Finding]
) -> dict[str, pathlib.Path]:
    """Writes one list for each finding that has files to remove.

    Lists that an earlier check wrote for this report are deleted where they no longer apply.
    Nothing else is touched.

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
        file = list_file(report, finding.kind)
        with atomic_write(file) as temporary:
            temporary.write_bytes(b"".join(name_bytes(f"{path}\n") for path in paths))
        written[finding.kind] = file
    for kind in _kinds_of_earlier_check(report) - written.keys():
        file = list_file(report, kind)
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise WriteError(
                f"Cannot delete {file}, which no longer applies: {error.strerror}."
            ) from error
    return written


def _kinds_of_earlier_check(report: pathlib.Path) -> set[str]:
    """Returns which lists the JSON file beside a report names; none where it is of no check."""
    try:
        earlier = json.loads(report.with_suffix(".json").read_text(encoding="utf-8"))
        return {str(kind) for kind in earlier["lists"] if str(kind).isidentifier()}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
