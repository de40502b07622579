"""What a user does: every panel, a phone, files in and out, what the browser keeps, the Hub."""

import json
import pathlib
import tempfile
import time

from computing import CHECKPOINT, FASHION
from viewer import ETA, TABS, Viewer, ended, expect, finished, link, says

# What a page that shows nothing has: a colour or two in each ninth of it.
EMPTY = 4


class Using:
    """Each method that begins with `test` is one."""

    def test_panels(self, browser):
        """Every panel, by a click on its name: it comes to its end and shows pictures."""
        viewer = Viewer(browser)
        browser.go(self.site + link(count=2, viewer={"tab": "Trajectory", "ahead": False, "compare": {"etas": [0.0, 1.0], "seeds": 2}, "rewind": {"steps": [5]}}))
        viewer.wait("the first picture", finished)
        self.put_away_introduction(viewer)
        before = viewer.screen()
        for tab in TABS[1:] + TABS[:1]:
            viewer.click(tab)
            viewer.wait(tab, lambda now: now["controls"]["viewer"]["tab"] == tab)
            if tab != "Race":
                viewer.wait(f"the run of {tab}", ended)
            after = viewer.screen()
            expect(after != before, f"{tab} shows what the panel before it showed")
            expect(sum(count > EMPTY for count in viewer.colours()) >= 6, f"{tab} shows {viewer.colours()} colours")
            before = after
        viewer.click("Race")
        viewer.click("Start", "Button")
        viewer.wait("the race goes on", lambda now: now["run"] and now["run"]["progress"][0] > 10)
        browser.key("Escape")
        viewer.clean()

    def put_away_introduction(self, viewer):
        viewer.click("Got it")

    def test_phone(self, browser):
        """On a phone pictures have the room, fingers move η, hold on for a tooltip and zoom; all controls come after a tap."""
        viewer = Viewer(browser)
        width, height = 390, 844
        browser.resize(width, height, 0, True)
        browser.touch_screen()
        browser.go(self.site + link(count=2))
        viewer.wait("the first picture", finished)
        viewer.tap("Got it")
        for tab in TABS:
            viewer.tap(tab)
            viewer.wait(tab, lambda now: now["controls"]["viewer"]["tab"] == tab)
            for name in TABS + ["Save", "Undo"]:
                x0, _, x1, _ = viewer.find(name, "Button")["rect"]
                expect(0 <= x0 and x1 <= width + 1, f"{tab}: the button {name} is from {x0} to {x1}")
        viewer.tap("Trajectory")
        x0, y0, x1, y1 = viewer.find("x̂0", "Image", part=True)["rect"]
        expect(x1 - x0 >= 150 and x1 <= width and y1 < height, f"the picture is at {x0, y0, x1, y1}")
        before = viewer.screen()
        x0, y0, x1, y1 = viewer.find(ETA)["rect"]
        middle = (y0 + y1) / 2
        browser.swipe((x0 + 8, middle), (x0 + 0.7 * (x1 - x0), middle))
        known = viewer.wait("a finger drags η", lambda now: finished(now) and now["controls"]["eta"] > 0.4)
        expect(viewer.screen() != before, "a drag of η changed no pixel")
        viewer.tap("All controls", part=True)
        viewer.find("Conventions", part=True)
        viewer.tap("Fewer controls", part=True)
        names = {widget["name"] for widget in viewer.widgets()}
        browser.hold(*viewer.centre("Rewind it"), 1.2)
        told = {widget["name"] for widget in viewer.widgets()} - names
        expect(any("Encodes this picture" in name for name in told), f"a finger that stays shows {told}")
        browser.lift()
        expect(viewer.state()["controls"]["viewer"]["tab"] == "Trajectory", "a finger that stays is no tap")
        size = viewer.find("Undo")["rect"]
        browser.pinch((195, 300), 40, 80)
        larger = viewer.find("Undo")["rect"]
        expect(larger[2] - larger[0] > 1.3 * (size[2] - size[0]), f"two fingers enlarge nothing: {size}, {larger}")
        expect(known["controls"]["seed"] == 5, "the seed has changed")
        viewer.clean()

    def test_files(self, browser):
        """A picture is saved as a download, and dropped, pasted or chosen it sets the controls again."""
        viewer = Viewer(browser)
        browser.go(self.site + link(eta=0.5, seed=7))
        viewer.wait("the first picture", finished)
        self.put_away_introduction(viewer)
        with tempfile.TemporaryDirectory() as folder:
            browser.save_in(folder)
            viewer.click("Save")
            viewer.click("Picture (PNG)")
            saved = self.downloaded(folder)
            content = saved.read_bytes()
            expect(content.startswith(b"\x89PNG"), f"{saved.name} begins with {content[:8]}")
            for what, way in [
                ("dropped", lambda: viewer.give({saved.name: content})),
                ("pasted", lambda: viewer.give({saved.name: content}, "paste")),
                ("chosen", lambda: self.choose(viewer, [saved])),
            ]:
                browser.key("n")
                viewer.wait("another seed", lambda now: now["controls"]["seed"] != 7)
                way()
                known = viewer.wait(f"the picture is {what}", lambda now: now["controls"]["seed"] == 7 and finished(now))
                expect(known["controls"]["eta"] == 0.5, f"{what}: {known['controls']}")
            # A figure, which needs the fonts and the PDF's crate.
            viewer.click("Save")
            viewer.click("Figure …")
            viewer.click("figure as PDF")
            viewer.click("Save PDF")
            figure = self.downloaded(folder, ".pdf")
            expect(figure.read_bytes().startswith(b"%PDF"), f"{figure.name}: no PDF")
        viewer.clean()

    def downloaded(self, folder, ending=".png"):
        end = time.monotonic() + 60
        while True:
            files = [file for file in pathlib.Path(folder).iterdir() if file.name.endswith(ending) and file.stat().st_size > 0]
            if files:
                return files[0]
            expect(time.monotonic() < end, f"no file {ending} among {list(pathlib.Path(folder).iterdir())}")
            time.sleep(0.1)

    def choose(self, viewer, files):
        with viewer.browser.choosing(files):
            viewer.click("Save")
            viewer.click("Open a picture's recipe …")

    def test_kept(self, browser):
        """The browser keeps settings and models; a wrong link begins with the defaults."""
        viewer = Viewer(browser)
        browser.go(self.site + link(eta=0.25, seed=7))
        viewer.wait("the first picture", finished)
        self.put_away_introduction(viewer)
        wait = "caches.open('etude-models').then(cache => cache.keys()).then(keys => keys.length)"
        browser.wait("a model in the cache", wait, 30)
        browser.key("n")
        known = viewer.wait("another seed", lambda now: now["controls"]["seed"] != 7)
        seed = known["controls"]["seed"]
        time.sleep(5)
        asked = self.asked_for("models/fashion")
        browser.go("about:blank")
        browser.go(self.site)
        known = viewer.wait("the first picture", finished)
        expect((known["controls"]["seed"], known["controls"]["eta"]) == (seed, 0.25), f"kept: {known['controls']}")
        expect(self.asked_for("models/fashion") == asked, "the weights were fetched again")
        browser.go("about:blank")
        browser.go(self.site + "#r=nonsense")
        known = viewer.wait("a sentence", says("link"))
        expect(known["controls"]["eta"] == 0 and known["controls"]["model"] == "emoji", f"no defaults: {known['controls']}")
        viewer.clean()

    def test_hub(self, browser):
        """A model of the Hub by its name; a name that it does not know."""
        viewer = Viewer(browser)
        commit = "0123456789abcdef0123456789abcdef01234567"
        listing = {"sha": commit, "siblings": [{"rfilename": name, "size": (FASHION / name).stat().st_size} for name in CHECKPOINT]}
        answers = {f"/api/models/some/shirts/revision/main?blobs=true": json.dumps(listing).encode()}
        answers |= {f"/some/shirts/resolve/{commit}/{name}": (FASHION / name).read_bytes() for name in CHECKPOINT}
        browser.answer_for("https://huggingface.co", answers)
        browser.go(self.site + link())
        viewer.wait("the first picture", finished)
        self.put_away_introduction(viewer)
        for name, holds in [("some/socks", says("some/socks")), ("some/shirts", lambda now: "shirts" in (now["model"] or "") and finished(now))]:
            viewer.click("Model", "ComboBox")
            viewer.click("From the Hub …")
            viewer.click("Another", "TextInput")
            browser.draw()
            # In the place of what was typed before.
            for _ in range(len(name) + 1):
                browser.key("Backspace")
            browser.type(name)
            viewer.click("Open this model")
            viewer.wait(name, holds, 60)
            browser.key("Escape")
        # A name that is not there is answered with 404, which the browser says, too.
        browser.console = [line for line in browser.console if "404" not in line]
        viewer.clean()
