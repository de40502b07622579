//! What the user is told: faults stay until they are dismissed, news disappears by itself.

/// News stays for so many seconds, and for so many more for each letter: as long as it takes to read.
const NEWS_SECONDS: f64 = 4.0;
const SECONDS_PER_LETTER: f64 = 0.05;
/// At most this many at a time; the oldest goes first.
const MAX_MESSAGES: usize = 4;

/// One message.
#[derive(Clone, Debug, PartialEq)]
struct Message {
    text: String,
    fault: bool,
    since: f64,
}

/// The messages on screen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Messages {
    list: Vec<Message>,
}

impl Messages {
    /// Something went wrong; stays until it is dismissed.
    pub(crate) fn fault(&mut self, text: impl Into<String>, now: f64) {
        self.push(text.into(), true, now);
    }

    /// Something worth knowing; disappears by itself.
    pub(crate) fn news(&mut self, text: impl Into<String>, now: f64) {
        self.push(text.into(), false, now);
    }

    fn push(&mut self, text: String, fault: bool, since: f64) {
        let text = text.replace(char::is_control, " ");
        // A repeated message only restarts its time.
        self.list.retain(|message| message.text != text);
        self.list.push(Message { text, fault, since });
        if self.list.len() > MAX_MESSAGES {
            self.list.remove(0);
        }
    }

    /// Dismisses all faults, because what they were about works again.
    pub fn clear_faults(&mut self) {
        self.list.retain(|message| !message.fault);
    }

    /// Every text on screen.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|message| message.text.as_str())
    }

    /// Forgets news that has been shown long enough. Returns whether any is left.
    pub(crate) fn forget_old(&mut self, now: f64) -> bool {
        let is_read =
            |message: &Message| now - message.since >= NEWS_SECONDS + SECONDS_PER_LETTER * message.text.chars().count() as f64;
        self.list.retain(|message| message.fault || !is_read(message));
        self.list.iter().any(|message| !message.fault)
    }

    /// Begins the time of news anew, while somebody looks at it.
    pub(crate) fn hold(&mut self, now: f64) {
        self.list.iter_mut().for_each(|message| message.since = now);
    }

    /// Each message: its text, and whether it is a fault.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, bool)> {
        self.list.iter().map(|message| (message.text.as_str(), message.fault))
    }

    /// Dismisses one message, by its position in [`Self::iter`].
    pub(crate) fn dismiss(&mut self, number: usize) {
        self.list.remove(number);
    }
}
