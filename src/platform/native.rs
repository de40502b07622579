//! Desktops: tasks are threads, waiting blocks, dialogs are the system's.

#[cfg(feature = "app")]
use super::picked::Picked;
use crate::error::{Error, Result};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::{
    any::Any,
    ffi::OsString,
    fs,
    future::{Future, poll_fn},
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, BufRead, Seek},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    pin::pin,
    task::Poll,
    thread::{self, JoinHandle},
    time::Duration,
};
use thread_priority::{ThreadPriority, set_current_thread_priority};
use web_time::Instant;

/// Blocks this thread until `future` is ready. Nothing else in the program waits for a future.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    pollster::block_on(future)
}

/// Leaves the cores to others for so long.
pub fn rest(time: Duration) {
    thread::sleep(time);
}

/// Lets another thread have this one's core, if one waits for it.
pub fn give_way() {
    thread::yield_now();
}

/// Lets others have a turn: nothing to do where each task has a thread.
pub async fn pause() {}

/// A task that was spawned. Dropping it leaves the task alone.
#[derive(Debug)]
pub struct Task {
    thread: JoinHandle<()>,
}

impl Task {
    /// Waits for the task's end, at most for `patience`; returns whether it has ended.
    pub fn wait(&self, patience: Duration) -> bool {
        let start = Instant::now();
        while !self.thread.is_finished() && start.elapsed() < patience {
            thread::sleep(Duration::from_millis(5));
        }
        self.thread.is_finished()
    }
}

/// Starts a thread of this name that makes a future and blocks on it.
///
/// # Errors
/// The system gives no thread.
pub fn spawn<F>(name: &str, make: impl FnOnce() -> F + Send + 'static) -> Result<Task>
where
    F: Future<Output = ()> + 'static,
{
    let thread = thread::Builder::new().name(name.to_owned()).spawn(move || block_on(make()));
    let thread = thread.map_err(|e| Error::argument(format!("the system gives no thread for this: {e}; close some programs")))?;
    Ok(Task { thread })
}

/// As [`spawn`], on one of the threads that compute; what the future divides among the cores goes to the others. There are as many
/// as cores, and they stand below the window in priority, so that it paints at once however busy they are. A graphics driver that
/// computes on the processor starts its threads from them, and so at the same priority.
///
/// # Errors
/// The system gives no threads.
pub fn spawn_on_cores<F>(name: &str, make: impl FnOnce() -> F + Send + 'static) -> Result<Task>
where
    F: Future<Output = ()> + 'static,
{
    let pool = compute_pool()?;
    spawn(name, move || {
        pool.install(|| block_on(make()));
        std::future::ready(())
    })
}

/// Of 0 to 99, a little below the middle, which is where threads start: niceness 7 on Linux. A window that paints without a pause
/// leaves the computation about a quarter of a core then; lower still, it would hardly get anywhere.
const PRIORITY: u8 = 30;

fn compute_pool() -> Result<ThreadPool> {
    let lower = |_| {
        let value = PRIORITY.try_into().map(ThreadPriority::Crossplatform);
        // Where the system refuses, everything works, and the window is a little slower.
        if let Err(e) =
            value.map_err(|e| format!("{e:?}")).and_then(|p| set_current_thread_priority(p).map_err(|e| format!("{e:?}")))
        {
            tracing::info!("the priority of a computing thread stays as it is: {e}");
        }
    };
    let built = ThreadPoolBuilder::new().thread_name(|i| format!("compute {i}")).start_handler(lower).build();
    built.map_err(|e| Error::argument(format!("the system gives no threads to compute on: {e}; close some programs")))
}

/// Runs `work`; a panic in it becomes its text.
///
/// # Errors
/// The panic's text, on one line.
pub fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| text_of(&*panic))
}

/// Runs `work`; a panic in it becomes its text. Standard error stays clean: the panic's place goes to the log.
///
/// # Errors
/// The panic's text, on one line.
pub fn catch_panic_quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    std::panic::set_hook(Box::new(|info| tracing::debug!("{info}")));
    let result = catch_panic(work);
    drop(std::panic::take_hook());
    result
}

/// Runs `work`; a panic in it becomes its text.
///
/// # Errors
/// The panic's text, on one line.
pub async fn catch_panic_async<T>(work: impl Future<Output = T>) -> Result<T, String> {
    let mut work = pin!(work);
    // After a panic the future is not polled again.
    poll_fn(|context| match catch_panic(|| work.as_mut().poll(context)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
        Err(text) => Poll::Ready(Err(text)),
    })
    .await
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("no reason given").replace(char::is_control, " ")
}

/// A number nobody can foresee.
pub fn random_seed() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// The folder the program was started in.
pub fn current_folder() -> PathBuf {
    std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."))
}

/// An environment variable that is set to something, `None` where it is empty or no Unicode.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What the program was started with, its own name first.
pub fn arguments() -> Vec<OsString> {
    std::env::args_os().collect()
}

/// Gives the folder of a user's session its usual name where the environment does not say one, as on a machine without a desktop. A part
/// of the Vulkan drivers looks for Wayland's socket there and complains on standard error, several times per run, unless it is told where;
/// that the folder need not exist it takes without a word. Does nothing unless this is the process's only thread.
#[cfg(target_os = "linux")]
pub fn name_session_folder() {
    use std::os::unix::fs::MetadataExt;
    const NAME: &str = "XDG_RUNTIME_DIR";
    let is_named = std::env::var_os(NAME).is_some_and(|folder| Path::new(&folder).is_absolute());
    let threads = fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    let Ok(user) = fs::metadata("/proc/self").map(|process| process.uid()) else { return };
    if !is_named && threads == 1 {
        #[allow(unsafe_code, reason = "no other thread can read the environment meanwhile: there is none, as was just counted")]
        unsafe {
            std::env::set_var(NAME, format!("/run/user/{user}"));
        }
    }
}

/// Elsewhere nothing asks for it.
#[cfg(not(target_os = "linux"))]
pub fn name_session_folder() {}

/// The page's address that links begin with, where `ETUDE_PAGE` names none: that of `scripts/web.sh serve`.
const PAGE: &str = "http://localhost:8000/";

/// The address of the page that links lead to: `ETUDE_PAGE`.
pub fn base_address() -> String {
    variable("ETUDE_PAGE").unwrap_or_else(|| PAGE.to_owned())
}

/// Where this program may keep what it can make again: `ETUDE_CACHE`, else a folder among the system's caches.
pub fn cache_folder() -> PathBuf {
    let of = |name: &str| variable(name).filter(|value| !value.trim().is_empty()).map(PathBuf::from);
    let systems = || {
        if cfg!(target_os = "windows") {
            return of("LOCALAPPDATA").unwrap_or_else(home_folder).join("etude").join("cache");
        }
        if cfg!(target_os = "macos") {
            return home_folder().join("Library/Caches/etude");
        }
        of("XDG_CACHE_HOME").unwrap_or_else(|| home_folder().join(".cache")).join("etude")
    };
    of("ETUDE_CACHE").unwrap_or_else(systems)
}

/// The user's own folder.
pub fn home_folder() -> PathBuf {
    std::env::home_dir().unwrap_or_else(|| PathBuf::from("."))
}

/// A dialog that is over sooner was never seen: no portal answers on this desktop, and nothing else that could ask.
#[cfg(feature = "app")]
const SEEN: Duration = Duration::from_millis(250);

/// What a dialog came to that began at `began`.
#[cfg(feature = "app")]
fn picked<T>(began: Instant, chosen: Option<T>) -> Picked<T> {
    match chosen {
        Some(chosen) => Picked::Chosen(chosen),
        None if began.elapsed() < SEEN => Picked::NoDialog,
        None => Picked::CalledOff,
    }
}

/// Asks for a folder.
#[cfg(feature = "app")]
pub async fn pick_folder(title: &str) -> Picked<PathBuf> {
    let began = Instant::now();
    picked(began, rfd::FileDialog::new().set_title(title).pick_folder())
}

/// Asks for a picture, a file of one of these endings.
#[cfg(feature = "app")]
pub async fn pick_picture(title: &str, endings: &[&str]) -> Picked<PickedFile> {
    let began = Instant::now();
    let dialog = rfd::FileDialog::new().set_title(title).add_filter("Pictures", endings);
    picked(began, dialog.pick_file().map(|path| PickedFile { path }))
}

/// A file the user gave.
#[derive(Clone, Debug)]
pub struct PickedFile {
    path: PathBuf,
}

impl PickedFile {
    /// The file at `path`.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// What messages call it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its content from the start.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(&self) -> io::Result<impl BufRead + Seek + use<>> {
        fs::File::open(&self.path).map(io::BufReader::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Sender, channel};

    #[test]
    fn panics_become_text() {
        assert_eq!(catch_panic(|| 3), Ok(3));
        assert_eq!(catch_panic_quietly(|| panic!("two\nlines")), Err::<(), _>("two lines".to_owned()));
        let late = async {
            let mut polled = false;
            poll_fn(|context| {
                context.waker().wake_by_ref();
                if std::mem::replace(&mut polled, true) { panic!("at {}", "last") } else { Poll::Pending }
            })
            .await
        };
        assert_eq!(catch_panic_quietly(|| block_on(catch_panic_async(late))), Ok(Err::<(), _>("at last".to_owned())));
        assert_eq!(block_on(catch_panic_async(async { 4 })), Ok(4));
    }

    #[test]
    fn tasks_run_on_threads_of_their_names() {
        let (sender, receiver) = channel();
        let tell = |sender: Sender<Option<String>>| {
            move || async move {
                sender.send(thread::current().name().map(str::to_owned)).expect("awaited");
            }
        };
        let task = spawn("a task", tell(sender.clone())).expect("a thread");
        assert_eq!(receiver.recv().expect("a name").as_deref(), Some("a task"));
        assert!(task.wait(Duration::from_secs(60)));
        let task = spawn_on_cores("another", tell(sender)).expect("threads");
        assert!(receiver.recv().expect("a name").is_some_and(|name| name.starts_with("compute ")));
        assert!(task.wait(Duration::from_secs(60)));
    }

    #[test]
    fn seeds_differ() {
        assert_ne!(random_seed(), random_seed());
    }
}
