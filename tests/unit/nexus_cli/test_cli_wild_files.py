"""Task files that nobody would want, on the command line: a report, or one line with the file and where to look."""

from wild import wild_file


def test_any_file_is_imported_or_refused(nexus, tmp_path):
    """Exit code 0 and the same bytes out again, or 2; never a traceback."""
    seen = set()
    for seed in range(2000, 2025):
        file, out, place = tmp_path / "wild.json", tmp_path / "out.json", f"wild/r{seed}"
        file.write_bytes(wild_file(seed).content)
        ran = nexus("task", "import", str(file), "--repo", place)
        exported = nexus("task", "export", "--repo", place, "--output", str(out))
        seen.add(ran.code)

        assert "Traceback" not in ran.err + ran.out, seed
        if ran.code == 0:
            assert f"{place}: imported " in ran.out and file.read_bytes() == out.read_bytes(), seed
        else:
            assert (2, 3) == (ran.code, exported.code), seed
            assert "wild.json: line " in ran.err, seed
    assert {0, 2} == seen
