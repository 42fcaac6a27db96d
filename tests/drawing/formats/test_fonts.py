from __future__ import annotations

import pytest

from fpngraph.drawing.formats import fonts


def test_every_face_has_exactly_the_signs_that_are_listed() -> None:
    from reportlab.pdfbase.ttfonts import TTFontFile

    listed = {code for low, high in fonts.SIGNS for code in range(low, high + 1)}

    for path in fonts.FACES.values():
        assert set(TTFontFile(str(path)).charToGlyph) - {0xFFFF} == listed  # which ends every table of signs


def test_the_faces_are_small_and_have_their_licence_beside_them() -> None:
    folders = {path.parent for path in fonts.FACES.values()}

    assert sum(path.stat().st_size for path in fonts.FACES.values()) < 150_000
    assert [(folder / "OFL.txt").read_text(encoding="utf-8").splitlines()[0] for folder in folders] == [
        "Copyright © 2020 The Inter Project Authors (https://github.com/rsms/inter)"
    ]


@pytest.mark.parametrize(
    ("weight", "face"),
    [
        pytest.param(400, 400, id="its-own"),
        pytest.param(300, 400, id="lighter-than-all"),
        pytest.param(500, 600, id="between-two"),
        pytest.param(900, 700, id="bolder-than-all"),
    ],
)
def test_a_weight_takes_the_nearest_face_and_the_bolder_of_two(weight: int, face: int) -> None:
    assert fonts.face(weight) == face
