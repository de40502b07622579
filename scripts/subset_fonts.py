"""Cuts assets/fonts/EtudeMath-*.otf out of the STIX fonts 1.1.1 (Debian package fonts-stix, folder stix-word).

    pip install fonttools
    apt-get download fonts-stix && dpkg-deb -x fonts-stix_*.deb stix
    python3 scripts/subset_fonts.py stix/usr/share/fonts/opentype/stix-word assets/fonts
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

# ASCII, Greek, and the signs of the formulas; the combining hat is for x̂ in running text.
LETTERS = [*range(0x20, 0x7F), *range(0x391, 0x3CA)]
SIGNS = [ord(c) for c in "·×±−√‖≤≥≠≈∞→…½²ˆ\u0302\u0304"]


def cut(source: Path, target: Path, style: str) -> None:
    options = subset.Options()
    options.layout_features = ["mark", "kern"]
    options.hinting = False
    options.name_IDs = ["*"]
    options.notdef_outline = True
    options.glyph_names = False
    font = subset.load_font(str(source), options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=LETTERS + SIGNS)
    cutter.subset(font)
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
    TTFont(target)["name"]
    print(target, target.stat().st_size)


if __name__ == "__main__":
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    cut(folder / "STIX-Regular.otf", out / "EtudeMath-Regular.otf", "Regular")
    cut(folder / "STIX-Italic.otf", out / "EtudeMath-Italic.otf", "Italic")
