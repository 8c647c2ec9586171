from cyclegan_keras.runs.pictures import differing, knows_pictures


def entry(count, digest, **more):
    return {"count": count, "sha256": digest, **more}


def test_runs_of_earlier_versions_know_less_and_are_compared_by_that():
    before = {"name": "photos", "trainA": entry(3, "a"), "trainB": entry(3, "b")}
    now = {
        "name": "/mnt/photos",
        "trainA": entry(3, "a", sample_sha256="c"),
        "trainB": entry(3, "b", sample_sha256="d"),
    }
    assert differing(before, now) == []
    assert knows_pictures({"data": before})
    assert not knows_pictures({"data": {"name": "photos"}})
    assert not knows_pictures({})
    other = {**now, "trainB": entry(3, "b", sample_sha256="other")}
    assert differing(now, other) == [
        "trainB has 3 as before, but with other names, sizes or contents"
    ]


def test_folders_that_are_new_differ():
    before = {"name": "photos", "trainA": entry(3, "a")}
    now = {**before, "pairsA": entry(2, "p")}
    assert differing(before, now) == ["pairsA had 0 and now has 2"]
    assert differing(before, now, folders=["trainA"]) == []
