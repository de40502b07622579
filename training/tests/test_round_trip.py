"""Pictures noised and denoised by predictors that are known: one that knows the picture brings it back, one that says nothing does not."""

import contextlib
import io
import unittest
from unittest import mock

import numpy as np
import torch

import diffusion
import exact
import fid
import model
import round_trip
from tests.tiny import TinyTest


class RoundTripTest(TinyTest):
    def test_who_knows_the_picture_brings_it_back(self):
        picture = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
        known = exact.Exact(picture.clone(), torch.ones(1))
        x0 = picture.expand(70, -1, -1, -1)
        for start in (50, 400, diffusion.T):
            self.assertTrue((np.abs(round_trip.denoised(known, "epsilon", x0, start).astype(int) - model.pixels(x0)) <= 1).all())

    def test_the_noise_is_that_of_the_start(self):
        """A network that says epsilon = 0 scales x_t by 1 / sqrt(alpha_bar): what it leaves is the noise, and no more of it."""
        x0 = torch.zeros(70, 3, 8, 8)
        for start in (50, 100):  # little enough that no pixel is clamped
            last = diffusion.linear_timesteps(round_trip.STEPS, start)[-1]
            a = diffusion.alpha_bars()[last].item()
            left = round_trip.denoised(lambda x, _: torch.zeros_like(x), "epsilon", x0, start) / 127.5 - 1
            self.assertAlmostEqual(left.std() / ((1 - a) / a) ** 0.5, 1, delta=0.03)

    def test_the_command(self):
        """Prints the pictures' own FID and one line per start; a start beyond T is refused."""
        self.train("run", 16, "--prediction", "v_prediction")
        features = lambda images, *_: images.reshape(len(images), -1)[:, :8].astype(np.float64)
        noise = self.folder / "noise.npz"
        with mock.patch.object(fid.inception, "features", features), contextlib.redirect_stdout(io.StringIO()) as told:
            run = lambda *more: mock.patch("sys.argv", ["round_trip.py", str(noise), str(self.folder / "run"), str(noise), *more])
            with run("--starts", "50,200"):
                round_trip.main()
            with run("--starts", "1001"), self.assertRaisesRegex(Exception, "from 10 to 1000, got 1001"):
                round_trip.main()
        lines = told.getvalue().splitlines()
        self.assertEqual([line.split(":")[0] for line in lines], ["the 40 pictures themselves", "from t = 50", "from t = 200"])
        values = [float(line.split()[-1]) for line in lines]
        self.assertGreater(values[2], values[0])


if __name__ == "__main__":
    unittest.main()
