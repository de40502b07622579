//! Pictures -> an animation, by the writers of this crate; `scripts/opening.sh` makes the README's with it.
//!
//! ```sh
//! cargo run --example animate -- OUT.{png,apng,gif} FRAME_MS LAST_MS PICTURE…
//! ```

use etude::{
    error::{Error, Result},
    files,
    picture::{Picture, apng::write_apng, decode::decode, gif::write_gif},
};
use std::{path::Path, process::ExitCode};

fn main() -> ExitCode {
    match animate(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("animate: {error}");
            ExitCode::FAILURE
        }
    }
}

fn animate(arguments: &[String]) -> Result<()> {
    let [out, frame_ms, last_ms, pictures @ ..] = arguments else {
        return Err(Error::argument("expected OUT FRAME_MS LAST_MS PICTURE…"));
    };
    let ms =
        |text: &str| text.parse::<u32>().map_err(|_| Error::argument(format!("expected a number of milliseconds, got {text:?}")));
    let (frame_ms, last_ms) = (ms(frame_ms)?, ms(last_ms)?);
    let read = |path: &String| {
        let bytes = files::read(path.as_ref()).map_err(|e| Error::file(path, format!("cannot be read: {e}")))?;
        decode(&bytes, path.as_ref())
    };
    let frames: Vec<Picture> = pictures.iter().map(read).collect::<Result<_>>()?;
    if Path::new(out).extension().is_some_and(|e| e.eq_ignore_ascii_case("gif")) {
        write_gif(out, &frames, frame_ms, last_ms, None)
    } else {
        write_apng(out, &frames, frame_ms, last_ms, None)
    }
}
