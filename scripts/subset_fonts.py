"""Cuts assets/fonts/EtudeMath-*.otf out of the STIX fonts 1.1.1 (Debian package fonts-stix, folder stix-word).

    pip install fonttools
    apt-get download fonts-stix && dpkg-deb -x fonts-stix_*.deb stix
    python3 scripts/subset_fonts.py stix/usr/share/fonts/opentype/stix-word assets/fonts
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.pens.boundsPen import BoundsPen
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTFont

# Letters with a hat, for running text: egui draws no combining marks, so they are glyphs of their own in the private area, made of
# the slanted letter and the circumflex. src/app/widgets/fonts.rs knows their places.
HATTED = {0xF8C0: "x", 0xF8C1: "σ"}
# ASCII, Greek, and the signs of the formulas.
LETTERS = [*range(0x20, 0x7F), *range(0x391, 0x3CA)]
SIGNS = [ord(c) for c in "·×±−√‖≤≥≠≈∞→…½²ˆ"]


def add_hatted(font: TTFont, italic: TTFont) -> None:
    """Adds the glyphs of HATTED to `font`, with the letters of `italic`."""
    top = font["CFF "].cff.topDictIndex[0]
    hats, letters = font.getGlyphSet(), italic.getGlyphSet()
    hat = font.getBestCmap()[0x2C6]
    for place, letter in HATTED.items():
        name, base = f"uni{place:04X}", italic.getBestCmap()[ord(letter)]
        box, hat_box = BoundsPen(letters), BoundsPen(hats)
        letters[base].draw(box)
        hats[hat].draw(hat_box)
        right = (box.bounds[0] + box.bounds[2] - hat_box.bounds[0] - hat_box.bounds[2]) / 2 + 30
        pen = T2CharStringPen(letters[base].width, letters)
        letters[base].draw(pen)
        hats[hat].draw(TransformPen(pen, (1, 0, 0, 1, round(right), 10)))
        string = pen.getCharString(top.Private, top.GlobalSubrs)
        # The pen writes the width as it is, a font against its nominal one.
        string.program[0] -= top.Private.nominalWidthX
        font.setGlyphOrder([*font.getGlyphOrder(), name])
        top.charset = font.getGlyphOrder()
        top.CharStrings.charStringsIndex.append(string)
        top.CharStrings.charStrings[name] = len(top.CharStrings.charStringsIndex) - 1
        font["hmtx"][name] = (letters[base].width, 0)
        for table in font["cmap"].tables:
            if table.isUnicode():
                table.cmap[place] = name


def cut(source: Path, target: Path, style: str, italic: Path | None = None) -> None:
    options = subset.Options()
    options.layout_features = ["kern"]
    options.hinting = False
    options.name_IDs = ["*"]
    options.notdef_outline = True
    options.glyph_names = False
    font = subset.load_font(str(source), options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=LETTERS + SIGNS)
    cutter.subset(font)
    if italic:
        add_hatted(font, TTFont(italic))
    # The licence reserves the original's name: a subset carries another one, and keeps copyright and licence lines.
    names = {1: "Etude Math", 2: style, 3: f"EtudeMath-{style}", 4: f"Etude Math {style}", 6: f"EtudeMath-{style}"}
    for record in list(font["name"].names):
        if record.nameID in names:
            record.string = names[record.nameID]
        elif record.nameID not in (0, 13, 14):
            font["name"].names.remove(record)
    cff = font["CFF "].cff
    cff.fontNames = [names[6]]
    cff.topDictIndex[0].FullName = names[4]
    cff.topDictIndex[0].FamilyName = names[1]
    subset.save_font(font, str(target), options)
    print(target, target.stat().st_size)


if __name__ == "__main__":
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    cut(folder / "STIX-Regular.otf", out / "EtudeMath-Regular.otf", "Regular", folder / "STIX-Italic.otf")
    cut(folder / "STIX-Italic.otf", out / "EtudeMath-Italic.otf", "Italic")
