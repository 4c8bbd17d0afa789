

@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
def test_a_field_that_was_cut_short_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"field{suffix}"
    sitk.WriteImage(field_image(), str(path))
    whole = path.read_bytes()
    read_given_transform(path)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError):
        read_given_transform(path)
