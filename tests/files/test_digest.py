import hashlib

from cyclegan_keras.files.digest import BLOCK_BYTES, sha256


def test_of_a_file_of_several_blocks(tmp_path):
    content = bytes(range(256)) * (BLOCK_BYTES // 256 + 1)
    (tmp_path / "a").write_bytes(content)
    assert sha256(tmp_path / "a") == hashlib.sha256(content).hexdigest()


def test_a_folder_tells_its_names_and_contents(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c").write_bytes(b"1")
    (tmp_path / "a").write_bytes(b"2")
    before = sha256(tmp_path)
    assert before == hashlib.sha256(b"a2b/c1").hexdigest()
    (tmp_path / "a").rename(tmp_path / "d")
    assert sha256(tmp_path) != before
