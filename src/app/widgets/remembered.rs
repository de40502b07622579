//! What is too much work for every frame is done again only where what it depends on has changed.

use eframe::egui::{Context, Id};

/// What `make` has made of `key` at this place; made anew where the key is another one than the last time.
pub(crate) fn remembered<K, T>(ctx: &Context, place: Id, key: K, make: impl FnOnce(&K) -> T) -> T
where
    K: PartialEq + Clone + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
{
    let last: Option<(K, T)> = ctx.data(|data| data.get_temp(place));
    if let Some((_, made)) = last.filter(|(of, _)| *of == key) {
        return made;
    }
    let made = make(&key);
    ctx.data_mut(|data| data.insert_temp(place, (key, made.clone())));
    made
}

#[cfg(test)]
mod tests {
    use super::{Context, Id, remembered};

    #[test]
    fn the_same_key_is_not_worked_for_twice() {
        let (ctx, mut times) = (Context::default(), 0);
        let mut of = |key: u32| {
            remembered(&ctx, Id::unique("a place"), key, |key| {
                times += 1;
                key * 2
            })
        };
        assert_eq!([of(1), of(1), of(3), of(1)], [2, 2, 6, 2]);
        assert_eq!(times, 3);
    }
}
