"""What computes: WebGPU, the processor, a device that is lost; what is computed is the desktop's."""

import pathlib
import time

from viewer import PATIENCE, Viewer, expect, expect_alike, finished, link, sampled, says

FASHION = pathlib.Path(__file__).resolve().parent.parent.parent / "assets/models/fashion"
CHECKPOINT = ["config.json", "scheduler_config.json", "diffusion_pytorch_model.safetensors"]


class Computing:
    """Each method that begins with `test` is one."""

    def test_webgpu(self, browser):
        """The page draws, a link restores its controls, the picture is the desktop's, back and forward, wrong links."""
        viewer = Viewer(browser)
        start = time.monotonic()
        browser.go(self.site + link(eta=0.5, noise_seed=3))
        paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
        painted = browser.wait("the page is painted", paint, PATIENCE) / 1e3
        known = viewer.wait("the first picture", finished)
        print(f"  painted after {painted:.2f} s, the first picture after {time.monotonic() - start:.1f} s", flush=True)
        if known["device"]["kind"] == "Cpu":
            return "no adapter"
        controls = known["controls"]
        expect((controls["eta"], controls["noise_seed"], controls["steps"], controls["model"]) == (0.5, 3, 4, "fashion"), f"{controls}")
        difference = expect_alike(known["picture"], sampled(self.etude, "--steps", "4", "--eta", "0.5", "--noise-seed", "3"))
        print(f"  WebGPU: at most {difference} level from the desktop's processor", flush=True)
        before = viewer.screen()
        # The slider of η lies under its number.
        browser.drag((16, 139), (200, 139))
        known = viewer.wait("another picture", lambda now: finished(now) and now["controls"]["eta"] > 0.6)
        expect(viewer.screen() != before, "a drag of η changed no pixel")
        # Undone by the address, and done again.
        address = browser.wait("the address follows", "history.length > 2 && location.hash")
        browser.evaluate("history.back()")
        viewer.wait("back", lambda now: now["controls"]["eta"] == 0.5)
        browser.evaluate("history.forward()")
        viewer.wait("forward", lambda now: now["controls"]["eta"] > 0.6)
        expect(browser.evaluate("location.hash") == address, "the address is not what it was")
        # A wrong link: one sentence, and nothing changes.
        browser.evaluate("location.hash = '#r=nonsense'")
        known = viewer.wait("a sentence", says("link"))
        expect(known["controls"]["eta"] > 0.6, "a wrong link changed the controls")
        viewer.clean()

    def test_lost(self, browser):
        """A device that is destroyed in the middle of a run: the run goes on, and comes to the same picture."""
        viewer = Viewer(browser)
        browser.go(self.site + link(steps=40))
        known = viewer.wait("some steps", lambda now: now["run"] and now["run"]["progress"][0] >= 2)
        if known["device"]["kind"] == "Cpu":
            return "no adapter"
        destroyed = sum(browser.each(worker, "globalThis.GPUDevice?.prototype", "device => device.destroy()") for worker in browser.workers)
        expect(destroyed > 0, "no worker has a device")
        viewer.wait("the device is opened again", says("opened again"))
        known = viewer.wait("the run goes on to its end", finished)
        expect_alike(known["picture"], sampled(self.etude, "--steps", "40"))
        return None

    def test_processor(self, browser):
        """Without WebGPU the processor computes, and the page says why; checkpoints and wrong files that are dropped."""
        viewer = Viewer(browser)
        browser.go(self.site + link(eta=0.5, noise_seed=3))
        known = viewer.wait("the first picture", finished)
        expect(known["device"]["kind"] == "Cpu" and "WebGPU" in known["reason"], f"{known['device']} {known['reason']}")
        difference = expect_alike(known["picture"], sampled(self.etude, "--steps", "4", "--eta", "0.5", "--noise-seed", "3"))
        print(f"  wasm: at most {difference} level from the desktop's processor", flush=True)
        viewer.give({"notes.txt": b"no picture at all"})
        known = viewer.wait("a wrong file is refused", says("notes.txt"))
        expect(sum("notes.txt" in text for text in known["said"]) == 1, f"{known['said']}")
        viewer.give({name: (FASHION / name).read_bytes() for name in CHECKPOINT})
        viewer.wait("the checkpoint runs", lambda now: (now["model"] or "").startswith("given/") and finished(now))
        viewer.clean()

    def test_restarts(self, browser):
        """The memory stays as it is over a thousand restarts."""
        viewer = Viewer(browser)
        # The smaller the page, the sooner it is drawn.
        browser.resize(480, 360)
        browser.go(self.site + link(steps=1))
        viewer.wait("the first picture", finished)
        bytes_of = "(globalThis.etudeMemory?.() ?? 0)"
        seen = []
        start = time.monotonic()
        for _ in range(4):
            # The browser's own loop: a message to it and back for each would take longer than the runs.
            browser.evaluate(
                """(async () => {
                    const canvas = document.getElementById("etude");
                    const key = { key: "r", code: "KeyR", ctrlKey: true, bubbles: true, cancelable: true };
                    for (let round = 0; round < 250; round++) {
                        const before = etudeState().run.id;
                        for (const kind of ["keydown", "keyup"])
                            document.activeElement.dispatchEvent(new KeyboardEvent(kind, key));
                        for (;;) {
                            await new Promise(then => setTimeout(then, 5));
                            const { id, finished } = etudeState().run;
                            if (id > before && finished) break;
                        }
                    }
                })()""",
                timeout=PATIENCE,
            )
            memory = (browser.evaluate(bytes_of), browser.evaluate(bytes_of, browser.workers[-1]), viewer.state()["textures"])
            seen.append(memory)
        expect(seen[0] == seen[-1], f"memory of page and worker and textures after 250, 500, 750 and 1,000 restarts: {seen}")
        page, worker = (size / 2**20 for size in seen[-1][:2])
        took = time.monotonic() - start
        print(f"  1,000 restarts: {page:.0f} MiB of the page, {worker:.0f} MiB of the worker, as after 250; {took:.0f} s", flush=True)
        viewer.clean()
