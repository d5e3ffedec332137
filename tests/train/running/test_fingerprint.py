from train.running.fingerprint import fingerprint


def test_names_and_contents_count_and_nothing_else(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        for name, content in (("a", b"12"), ("b", b"3")):
            (folder / name).write_bytes(content)
    first = fingerprint(here, [here / "a", here / "b"])
    assert first.startswith("2 files, sha256 ")
    assert fingerprint(there, [there / "b", there / "a"]) == first
    (there / "b").write_bytes(b"4")
    others = {first, fingerprint(there, there.iterdir())}
    (here / "b").rename(here / "c")
    others.add(fingerprint(here, here.iterdir()))
    (here / "a").write_bytes(b"1")
    (here / "c").write_bytes(b"23")
    others |= {fingerprint(here, here.iterdir()), fingerprint(here, [here / "a"])}
    assert len(others) == 5


def test_a_file_that_cannot_be_read_counts_by_its_name(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    assert fingerprint(tmp_path, [tmp_path / "link"]).startswith("1 files")
