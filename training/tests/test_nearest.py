"""Nearest pictures: known copies are found, mirror images where they count, a picture is not its own neighbour; features are kept; the card."""

import contextlib
import io
import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
from PIL import Image

import card
import checkpoint
import export
import inception
import model
import nearest
from files import TrainingError
from tests.tiny import TinyTest


def means(images, *_):
    """Instead of Inception: the mean of each channel of the left half."""
    return images[:, :, : images.shape[2] // 2].mean((1, 2)).astype(np.float64)


class NearestTest(TinyTest):
    def setUp(self):
        super().setUp()
        for patch in (mock.patch.object(inception, "features", means), mock.patch.dict(os.environ, XDG_CACHE_HOME=str(self.folder / "cache"))):
            patch.start()
            self.addCleanup(patch.stop)
        # 30 pictures of one colour with little noise, so that neighbours are near, but no copies.
        rng = np.random.default_rng(0)
        colours = rng.integers(20, 236, (30, 1, 1, 3))
        self.images = (colours + rng.integers(-9, 10, (30, 8, 8, 3))).astype(np.uint8)
        self.set = self.folder / "set.npz"
        np.savez(self.set, images=self.images, draws=np.ones(30, np.float32))

    def told(self, *args):
        with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(io.StringIO()):
            nearest.main([str(arg) for arg in args])
        return said.getvalue()

    def test_the_nearest_row(self):
        """As over all distances at once, in any chunks, with and without a row that does not count."""
        rng = np.random.default_rng(1)
        queries, those = rng.normal(size=(7, 5)), rng.normal(size=(23, 5)).astype(np.float32)
        every = np.linalg.norm(queries[:, None] - those, axis=2)
        for chunk in (1, 5, 100):
            with mock.patch.object(nearest, "CHUNK", chunk):
                distance, index = nearest.nearest(queries, those)
                np.testing.assert_array_equal(index, every.argmin(1))
                np.testing.assert_allclose(distance, every.min(1), rtol=1e-6)
                distance, second = nearest.nearest(queries, those, index)
                np.testing.assert_allclose(distance, np.sort(every, 1)[:, 1], rtol=1e-6)
                self.assertFalse((second == index).any())
                distance, index = nearest.nearest(those[:4].astype(np.float64), those)
                np.testing.assert_array_equal((distance, index), (np.zeros(4), np.arange(4)))

    def test_a_distance_in_pixels_is_the_root_mean_square(self):
        a, b = nearest.pixels(self.images[:2]).astype(np.float64)
        expected = np.sqrt(np.square(self.images[0].astype(float) - self.images[1]).mean())
        self.assertAlmostEqual(np.linalg.norm(a - b), expected, places=4)

    def test_copies_are_found(self):
        """Ten copies and ten pictures of other colours: half are nearer than nearly all pictures of the set to each other, and the sheet begins with them."""
        samples = self.folder / "samples.npz"
        strange = np.random.default_rng(2).integers(0, 256, (10, 8, 8, 3), np.uint8)
        np.savez(samples, arr_0=np.concatenate([strange, self.images[:10]]))
        said = self.told(samples, self.set)
        self.assertIn("20 samples (samples.npz), nearest of 30 pictures of set", said)
        pixels = next(line for line in said.splitlines() if line.startswith("pixels, samples"))
        self.assertEqual(pixels.split()[2:5], ["0.00", "0.00", "0.00"])
        self.assertIn("pixels, 30 of the set, to the rest", said)
        self.assertIn("50.0 % of the samples are nearer by pixels than 95 % of the others", said)
        self.assertIn("nearer by features than", said)
        sheet = np.asarray(Image.open(self.folder / "samples_nearest.png"))
        gap, columns = nearest.GAP, nearest.COLUMNS
        self.assertEqual(sheet.shape, (3 * (8 + gap) + gap, columns * (24 + gap) + gap, 3))
        for group in range(10):
            y, x = group // columns * (8 + gap) + gap, group % columns * (24 + gap) + gap
            tiles = [sheet[y : y + 8, x + k * 8 : x + k * 8 + 8] for k in range(3)]
            np.testing.assert_array_equal(tiles[0], tiles[1])
            np.testing.assert_array_equal(tiles[0], tiles[2])
            self.assertTrue((self.images[:10] == tiles[0]).all((1, 2, 3)).any())

    def test_mirror_images_count_where_the_training_saw_them(self):
        samples = self.folder / "samples.npz"
        np.savez(samples, arr_0=self.images[:, :, ::-1])
        least = lambda said: float(next(line for line in said.splitlines() if line.startswith("pixels, samples")).split()[2])
        self.assertGreater(least(self.told(samples, self.set, "--no-features")), 5)
        said = self.told(samples, self.set, "--no-features", "--flip")
        self.assertEqual(least(said), 0)
        self.assertIn("30 pictures of set and their mirror images", said)
        # A picture's own mirror image is not its neighbour.
        others = next(line for line in said.splitlines() if line.startswith("pixels, 30 of the set"))
        self.assertGreater(float(others.split()[8]), 5)

    def test_held_out_pictures_stand_beside(self):
        samples, held = self.folder / "samples.npz", self.folder / "held.npz"
        np.savez(samples, arr_0=self.images[:5])
        np.savez(held, images=self.images[::-1] // 2)
        said = self.told(samples, self.set, "--held-out", held, "--no-features", "--samples", 4)
        self.assertIn("4 samples", said)
        self.assertIn("pixels, 4 of held, not seen", said)
        self.assertIn("100.0 % of the samples are nearer by pixels", said)
        np.savez(held, images=np.zeros((3, 4, 4, 3), np.uint8))
        with self.assertRaisesRegex(TrainingError, "its pictures are 8x8, the held-out pictures 4x4"):
            self.told(samples, self.set, "--held-out", held)

    def test_features_are_kept(self):
        """Killed on the way, what was computed is not computed again, by whatever set it is asked for."""
        calls = []

        def counted(images, *_):
            calls.append(len(images))
            if len(calls) == 3:
                raise KeyboardInterrupt
            return means(images)

        with mock.patch.object(inception, "features", counted), mock.patch.object(nearest, "CHUNK", 10), contextlib.redirect_stderr(io.StringIO()):
            with self.assertRaises(KeyboardInterrupt):
                nearest.features(self.images)
            got = nearest.features(self.images)
            nearest.features(self.images[:20])
        self.assertEqual(calls, [10, 10, 10, 10])
        np.testing.assert_array_equal(got, means(self.images).astype(np.float16))

    def test_a_model_gets_it_into_its_card_and_keeps_it(self):
        self.train("run", 8, "--flip")
        folder = self.folder / "model"
        export.export(self.folder / "run", folder)
        said = self.told(folder, self.folder / "noise.npz", "--samples", 6)
        self.assertIn("6 samples (50 DDIM steps, η = 0, torch seed 1), nearest of 40 pictures of noise and their mirror images", said)
        self.assertTrue((folder / "nearest.png").exists())
        text = (folder / "README.md").read_text()
        self.assertIn("## Nearest training pictures\n\nHow far 6 samples (50 DDIM steps", text)
        self.assertIn("| pixels, 6 of the set, to the rest | ", text)
        export.export(self.folder / "run", folder)
        self.assertEqual((folder / "README.md").read_text(), text)
        self.told(self.folder / "run", self.folder / "noise.npz", "--samples", 6, "--weights", "net", "--no-features")
        self.assertTrue((self.folder / "run/nearest.png").exists())
        self.train("run", 12, "--flip")
        export.export(self.folder / "run", folder)
        self.assertNotIn("nearest", card.read(folder))

    def test_a_model_folder_samples_as_its_run(self):
        self.train("run", 200, "--attention", "8", "--prediction", "v_prediction")
        folder = self.folder / "model"
        export.export(self.folder / "run", folder)
        net, prediction = model.load(folder)
        self.assertEqual((net.shape, prediction), (checkpoint.load(self.folder / "run")["shape"], "v_prediction"))
        ours, theirs = (model.sample(*model.load(path), 3, 0, 4).astype(int) for path in (folder, self.folder / "run"))
        self.assertLessEqual(np.abs(ours - theirs).max(), 3)  # f16 weights
        sheet = np.asarray(Image.open(folder / "samples.png"))
        np.testing.assert_allclose(model.sample(net, prediction, 64, export.SHEET_SEED, export.SHEET_STEPS)[0], sheet[:16, :16], atol=3)
        config = folder / "config.json"
        config.write_text(config.read_text().replace('"silu"', '"relu"'))
        with self.assertRaisesRegex(TrainingError, "act_fn is relu, which train.py never makes"):
            model.load(folder)
        (folder / "diffusion_pytorch_model.safetensors").write_bytes(b"torn")
        config.write_text(config.read_text().replace('"relu"', '"silu"'))
        with self.assertRaisesRegex(TrainingError, "not a model of export.py"):
            model.load(folder)
        with tempfile.TemporaryDirectory() as empty, self.assertRaisesRegex(TrainingError, "config.json: not read"):
            model.load(Path(empty))


if __name__ == "__main__":
    unittest.main()
