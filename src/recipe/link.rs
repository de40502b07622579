//! A link that holds a recipe: the part of an address after its #, which no server is told.
//!
//! ```text
//! #r= base64url( raw deflate( the recipe's JSON ) )
//! ```

use super::Recipe;
use crate::error::{Error, Result};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use std::io::{Read, Write};

/// What a recipe begins with in an address.
const MARK: &str = "#r=";
/// The longest recipe that is unpacked, in bytes: four pictures of 4 MiB in base64 fit.
const LONGEST: u64 = 24 << 20;

/// A recipe as the part of an address that begins with #.
///
/// # Errors
/// None in practice: every field is plain data.
pub fn fragment(recipe: &Recipe) -> Result<String> {
    let wrong = |e: &dyn std::fmt::Display| Error::argument(format!("the link cannot be made: {e}"));
    let json = serde_json::to_vec(recipe).map_err(|e| wrong(&e))?;
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&json).map_err(|e| wrong(&e))?;
    let packed = packed.finish().map_err(|e| wrong(&e))?;
    Ok(format!("{MARK}{}", BASE64_URL_SAFE_NO_PAD.encode(packed)))
}

/// Whether a text is an address with a recipe, or that part of one.
pub fn is_link(text: &str) -> bool {
    let text = text.trim();
    !text.contains(char::is_whitespace) && text.contains(MARK) && (text.starts_with(MARK) || text.contains("://"))
}

/// The recipe's JSON in an address, or in its part from # on.
///
/// # Errors
/// There is none: what was expected and got, in one sentence.
pub fn recipe_json(link: &str) -> Result<String> {
    let whole = "expected one that ends as étude's \"Copy link\" makes it";
    let wrong = |what: &str| Error::argument(format!("the link holds no recipe: {what}; {whole}"));
    let (_, packed) = link.trim().split_once(MARK).ok_or_else(|| wrong("#r= is not in it"))?;
    // What a text around it may have added.
    let packed = packed.trim_end_matches(['=', '.', ',', ')', '>']);
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(packed).map_err(|_| wrong("it is damaged or cut short"))?;
    let mut json = String::new();
    let read = DeflateDecoder::new(bytes.as_slice()).take(LONGEST).read_to_string(&mut json);
    // The end of a stream that was cut is not noticed by what unpacks it, but by whoever reads the JSON.
    match read {
        Ok(_) if json.trim_end().ends_with('}') => Ok(json),
        _ => Err(wrong("it is damaged or cut short")),
    }
}

#[cfg(test)]
mod tests {
    use super::{fragment, is_link, recipe_json};
    use crate::recipe::Recipe;

    const JSON: &str = r#"{"program":"etude 0.1.0","model":"fashion","weights_crc32":"00000000","preset":"etude","steps":17,"eta":0.25,
        "tau":"quadratic","sigma_hat":false,"clip":null,"seed":99,"noise_seed":3,"noise":"path","rng":"etude","count":5,"size":[32,32],
        "viewer":{"tab":"Explain"}}"#;

    #[test]
    fn a_recipe_comes_back_from_its_link() {
        let recipe = Recipe::from_json(JSON).expect("a recipe");
        let fragment = fragment(&recipe).expect("a link");
        assert!(fragment.starts_with("#r=") && fragment.len() < 500, "{} characters", fragment.len());
        assert!(fragment[1..].chars().all(|c| c.is_ascii_alphanumeric() || "-_=".contains(c)), "{fragment}");
        for link in [fragment.clone(), format!("https://example.org/etude/{fragment}"), format!(" http://x/?a{fragment}).\n")] {
            assert_eq!(Recipe::from_json(recipe_json(&link).expect("read")).expect("a recipe"), recipe, "{link}");
        }
        assert!(is_link(&format!("http://localhost:8000/{fragment}")) && is_link(&fragment));
        assert!(!is_link("etude sample --eta 1") && !is_link("https://example.org/#top") && !is_link("a #r=b"));
    }

    #[test]
    fn what_is_no_link_is_told_in_one_sentence() {
        let whole = fragment(&Recipe::from_json(JSON).expect("a recipe")).expect("a link");
        let bomb = {
            use std::io::Write as _;
            let mut packed = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
            packed.write_all(&vec![b' '; 40 << 20]).expect("memory");
            format!("#r={}", base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, packed.finish().expect("memory")))
        };
        let wrong =
            ["", "#", "#top", "#r=", "#r=!", "#r=AAAA", "#r=ä", &whole[..whole.len() / 2], &whole[..whole.len() - 9], &bomb];
        for link in wrong {
            let error = recipe_json(link).expect_err(link).to_string();
            assert!(error.contains("the link holds no recipe") && !error.contains('\n'), "{error}");
        }
    }
}
